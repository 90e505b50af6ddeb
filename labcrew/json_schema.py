"""Whether a value fits a JSON schema that a stranger wrote: bounded in time, without a network."""

from collections.abc import Iterator
from typing import Any

MOST_CHARACTERS = 32_000
_MOST_REFERENCES = 500
_SECONDS = 0.5


def misfit(value: Any, schema: dict[str, Any]) -> str | None:
    """What is wrong with a value, or None.

    References are followed inside the schema alone, at most 500 in all, and its patterns are tried
    for half a second each: a schema can be made to never end.
    """
    import regex
    from jsonschema import Draft202012Validator, ValidationError, validators
    from jsonschema.exceptions import SchemaError, UnknownType
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    references = 0
    follow = Draft202012Validator.VALIDATORS["$ref"]

    def reference(validator: Any, ref: Any, instance: Any, inner: Any) -> Iterator[Any]:
        nonlocal references
        references += 1
        if references > _MOST_REFERENCES:
            raise _Unusable("its references have no end")
        yield from follow(validator, ref, instance, inner)

    def pattern(validator: Any, wanted: Any, instance: Any, inner: Any) -> Iterator[Any]:
        if isinstance(instance, str) and regex.search(wanted, instance, timeout=_SECONDS) is None:
            yield ValidationError(f"{instance!r} does not match {wanted!r}")

    def refused(validator: Any, wanted: Any, instance: Any, inner: Any) -> Iterator[Any]:
        raise _Unusable("it uses patternProperties or a dynamic reference")

    checker: Any = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        {
            "$ref": reference,
            "pattern": pattern,
            "patternProperties": refused,
            "$dynamicRef": refused,
        },
    )
    try:
        for error in checker(schema, registry=Registry()).iter_errors(value):
            where = ".".join(str(part) for part in error.absolute_path)
            return f"{f'{where}: ' * bool(where)}{error.message}"[:300]
    except _Unusable as error:
        return f"the tool's schema can't be used: {error}"
    except (
        SchemaError,
        UnknownType,
        Unresolvable,
        RecursionError,
        TimeoutError,
        regex.error,
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
    ) as error:
        # A schema of any shape comes from a stranger; the library meets odd ones with many errors.
        return f"the tool's schema can't be used: {type(error).__name__}"
    return None


class _Unusable(Exception):
    pass
