"""Makes sure at the start that `agents` and its siblings are labcrew's own packages."""

import importlib.util
from pathlib import Path

import labcrew
from labcrew.errors import InputError

_SIBLINGS = ("agents", "desk", "graphs", "memory", "sandboxes", "tools")


def check_own_packages() -> None:
    """Makes sure that `agents` and its siblings are labcrew's own.

    Raises:
        InputError: another package of that name comes first; says which and where.
    """
    own = Path(labcrew.__file__).parent.parent
    for name in _SIBLINGS:
        spec = importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or ()) if spec is not None else []
        found = Path(places[0]) if places else Path(spec.origin) if spec and spec.origin else None
        if found is not None and found.resolve() == (own / name).resolve():
            continue
        where = f"{found} hides it" if found is not None else "it is missing"
        raise InputError(
            f"labcrew's own package `{name}` can't be used: {where}.",
            "Install labcrew in an environment of its own (`uv tool install .`), and run it from a"
            f" folder without a `{name}` of its own on PYTHONPATH.",
        )
