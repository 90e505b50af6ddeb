"""Reads a skill from Markdown with YAML front matter, and says precisely what is wrong with it."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from labcrew.domain.base import Model
from labcrew.domain.skill_rules import Rule
from labcrew.domain.skills import Advice, CompiledRule, Skill, When
from labcrew.errors import SkillError
from labcrew.plain_text import is_plain
from labcrew.skills.sentences import compiled
from labcrew.ticket_yaml import Node, Trouble, parse, shown

MOST_TEXT = 20_000
"""Characters below the front matter."""
MOST_FRONT_MATTER = 20_000
_FENCE = "---"
_REMEDY = "docs/skills.md shows the form of a skill."
_BULLET = re.compile(r"\s*(?:[-*+]|\d+\.)\s+(\S.*)")


def _in_words(when: Any) -> Any:
    if not isinstance(when, str):
        return when
    return When() if when.strip().lower() in ("always", "") else {"about": when}


class _Sentence(Model):
    text: str = Field(min_length=1, max_length=1000)
    must: bool = False


class _Front(Model):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    when: Annotated[When, BeforeValidator(_in_words)] = When()
    rules: tuple[Any, ...] = Field(default=(), max_length=200)


_RULE: TypeAdapter[Any] = TypeAdapter(Rule)


def parsed(text: str, file: str) -> Skill:
    """Reads one skill.

    Args:
        text: the file's text.
        file: its name, for messages.

    Raises:
        SkillError: what is wrong first: "house.md:4, field rules[0].pattern: …".
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not is_plain(text.removeprefix("\ufeff"), "\n\r\t"):
        number = next(i for i, line in enumerate(lines, 1) if not is_plain(line, "\t\r"))
        raise SkillError(
            f"{file}:{number}: a character that nobody sees (a control character, a direction mark"
            " or the like).", "Remove it.",
        )  # fmt: skip
    if lines[0].rstrip() != _FENCE or _FENCE not in [line.rstrip() for line in lines[1:]]:
        raise SkillError(
            f"{file}:1: a skill begins with a line '---', then its fields as YAML, then '---', then"
            " its text.", _REMEDY,
        )  # fmt: skip
    end = next(i for i, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE)
    front, body = "\n".join(lines[1:end]), "\n".join(lines[end + 1 :])
    for what, size, most in (
        ("the front matter", len(front), MOST_FRONT_MATTER), ("the text", len(body), MOST_TEXT)
    ):  # fmt: skip
        if size > most:
            raise SkillError(
                f"{file}: {what} is longer than {most} characters.", "Make two skills of it."
            )
    try:
        root = parse(front, 1)
        values = root.value()
    except Trouble as trouble:
        raise SkillError(f"{file}:{trouble.line}: {trouble.message}.", _REMEDY) from None
    if root.pairs is None:
        raise SkillError(f"{file}:2: the front matter must be a table of fields.", _REMEDY)
    try:
        fields = _Front.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, file, root) from None
    rules, advice = _rules(fields.rules, file, root)
    if not body.strip() and not rules:
        raise SkillError(f"{file}:{end + 1}: there is neither a text nor a rule.", _REMEDY)
    return Skill(
        name=fields.name,
        file=file,
        when=fields.when,
        text=body.strip(),
        rules=(*rules, *_of_the_text(body, end + 2)),
        advice=advice,
    )


def _rules(
    given: tuple[Any, ...], file: str, root: Node
) -> tuple[tuple[CompiledRule, ...], tuple[Advice, ...]]:
    rules: list[CompiledRule] = []
    advice: list[Advice] = []
    for index, value in enumerate(given):
        location: tuple[str | int, ...] = ("rules", index)
        line = root.line_of(location)
        try:
            if isinstance(value, str):
                value = {"text": value}
            if isinstance(value, dict) and "text" in value:
                said = _Sentence.model_validate(value)
                rule = compiled(said.text, said.must)
                if rule is None:
                    advice.append(Advice(line=line, text=said.text, must=said.must))
                    continue
                source = said.text
            else:
                rule = _RULE.validate_python(value)
                source = rule.type
        except ValidationError as error:
            raise _refusal(error, file, root, location) from None
        rules.append(CompiledRule(line=line, source=source, rule=rule))
    return tuple(rules), tuple(advice)


def _of_the_text(body: str, first: int) -> tuple[CompiledRule, ...]:
    """Items of the text's lists that are rules; outside code, and never more than a warning."""
    rules, code = [], False
    for line, text in enumerate(body.split("\n"), first):
        if text.lstrip().startswith(("```", "~~~")):
            code = not code
        item = None if code else _BULLET.fullmatch(text)
        rule = compiled(item[1]) if item else None
        if item and rule is not None:
            rules.append(CompiledRule(line=line, source=item[1], rule=rule))
    return tuple(rules)


def _refusal(
    error: ValidationError, file: str, root: Node, before: tuple[str | int, ...] = ()
) -> SkillError:
    detail = error.errors(include_url=False)[0]
    # Pydantic names the variant of a union among the parts of a place: no field of the file.
    variants = set(_KINDS)
    location = [part for part in (*before, *detail["loc"]) if part not in variants]
    said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["type"] == "union_tag_not_found":
        said = f"needs a type: {', '.join(_KINDS)}; or write it as a sentence"
    elif detail["type"] == "union_tag_invalid":
        said = f"there is no such type of rule; there are {', '.join(_KINDS)}"
        location.append("type")
    elif detail["type"] == "extra_forbidden":
        said = "unknown field"
    elif detail["type"] == "missing":
        said = "missing"
    elif detail["loc"] == ("name",):
        said = "a name is lower-case letters, digits and dashes, 64 at most"
    field = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location).lstrip(".")
    line = root.line_of(location)
    return SkillError(f"{file}:{line}, field {shown(field, 100)[1:-1]}: {said}.", _REMEDY)


_KINDS = (
    "forbid_text", "require_text", "max_file_lines", "forbid_paths", "require_test_for_change",
    "commit_message", "forbid_import", "require_seed_argument", "metric_over_seeds",
    "budget_at_most",
)  # fmt: skip
