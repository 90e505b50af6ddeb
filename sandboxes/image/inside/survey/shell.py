"""The settings of shell scripts and Makefiles: variables with defaults, options, positions."""

from __future__ import annotations

import re

from .setting import MOST_SETTINGS, Setting, distinct, place, setting, type_of, typed

_MOST_CHARACTERS = 256 << 10
_DEFAULT = re.compile(r"\$\{(\w+):?[-=]([^{}$`]*)\}")
_ASSIGNED = re.compile(
    r"^[ \t]*(?:export[ \t]+|readonly[ \t]+|local[ \t]+|declare(?:[ \t]+-\w+)?[ \t]+)?"
    r"([A-Za-z_]\w*)=(\"[^\"\n]*\"|'[^'\n]*'|[^\s;&|#]*)[ \t]*(?:[;#].*)?$"
)
_GETOPTS = re.compile(r"\bgetopts[ \t]+[\"']?:?([\w:]+)[\"']?")
_BRANCH = re.compile(r"^[ \t]*\(?((?:-{0,2}[\w-]+)(?:[ \t]*\|[ \t]*-{0,2}[\w-]+)*)\)(.*)$")
_TAKEN = re.compile(r"([A-Za-z_]\w*)=[\"']?\$\{?(OPTARG|[12])\}?[\"']?")
_TRUE = re.compile(r"([A-Za-z_]\w*)=[\"']?(true|1|yes)[\"']?")
_MAKE = re.compile(
    r"^(?:export[ \t]+|override[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*(\?=|::?=|=)[ \t]*(.*)$"
)
_OF_MAKE = {"SHELL", "MAKEFLAGS", "MAKE", "VPATH", "SUFFIXES", ".SHELLFLAGS", ".DEFAULT_GOAL"}


def shell_settings(path: str, text: str) -> list[Setting]:
    """What a shell script lets people set: variables, options and positional arguments.

    A variable with a default (`${LR:-0.1}`) is set in the environment (spelling `LR=`); a plain
    assignment of a literal is a constant of the script. `$1` has position 1.
    """
    if len(text) > _MOST_CHARACTERS:
        return []
    found: list[Setting] = []
    defaults: dict[str, object] = {}
    seen: set[str] = set()
    short = "".join(_GETOPTS.findall(text))
    for at, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#") or len(line) > 2000 or len(found) > MOST_SETTINGS:
            continue
        where = place(path, at, line)
        option = _option(line, short, where, defaults)
        if option is not None:
            found.append(option)
            continue
        assigned = _ASSIGNED.match(line)
        named = assigned[1] if assigned else ""
        for name, default in _DEFAULT.findall(line):
            if name not in seen:
                seen.add(name)
                found.append(_variable(name, named, _bare(default), where))
        if assigned is None:
            continue
        given = re.fullmatch(r"[\"']?\$\{?(\d)\}?[\"']?", assigned[2])
        if given is not None and given[1] != "0" and given[1] not in seen:
            seen.add(given[1])
            found.append(_position(named, int(given[1]), None, where, required=True))
        elif (
            "$" not in assigned[2] and "`" not in assigned[2] and assigned[2] and named not in seen
        ):
            seen.add(named)
            value = typed(_bare(assigned[2]))
            defaults[named] = value
            found.append(setting(named, "constant", where, type=type_of(value), default=value))
    taken = {one["owner"] for one in found if one["spelling"].startswith("-")}
    kept = [one for one in found if one["mechanism"] != "constant" or one["name"] not in taken]
    return distinct({**one, "owner": ""} for one in kept)


def _variable(name: str, named: str, default: str, where: Setting) -> Setting:
    value = typed(default)
    if name.isdigit():
        return _position(named or name, int(name), value, where, required=False)
    return setting(name, "shell", where, type=type_of(value), default=value, spelling=f"{name}=")


def _position(
    name: str, position: int, value: object, where: Setting, *, required: bool
) -> Setting:
    type = "text" if value is None else type_of(value)
    return setting(
        name, "shell", where, type=type, default=value, required=required, position=position
    )


def _option(line: str, short: str, where: Setting, defaults: dict[str, object]) -> Setting | None:
    """The option of one branch of a script's `case`, if the line is one."""
    branch = _BRANCH.match(line)
    if branch is None:
        return None
    words = [word.strip() for word in branch[1].split("|")]
    dashed = [word for word in words if word.startswith("-")]
    letters = [f"-{word}" for word in words if len(word) == 1 and word in short]
    spelling = next(
        (word for word in dashed if word.startswith("--")), (dashed + letters + [""])[0]
    )
    name = spelling.lstrip("-")
    if not name or name in ("h", "help"):
        return None
    taken, true = _TAKEN.search(branch[2]), _TRUE.search(branch[2])
    variable = taken[1] if taken else true[1] if true else ""
    flag = taken is None and (true is not None or (letters != [] and f"{name}:" not in short))
    value = defaults.get(variable)
    return setting(
        name,
        "shell",
        where,
        type="bool" if flag else ("text" if value is None else type_of(value)),
        default=False if flag else value,
        flag=flag,
        spelling=spelling,
        owner=variable,
    )


def make_settings(path: str, text: str) -> list[Setting]:
    """The variables of a Makefile that `make NAME=value` overrides, with their literal values."""
    if len(text) > _MOST_CHARACTERS:
        return []
    found: list[Setting] = []
    inside = False
    for at, line in enumerate(text.split("\n"), 1):
        if line.startswith(("define ", "endef")):
            inside = line.startswith("define ")
        match = None if inside or line.startswith("\t") else _MAKE.match(line)
        if match is None or match[1] in _OF_MAKE or len(found) == MOST_SETTINGS:
            continue
        value, _, comment = match[3].partition(" #")
        if "$" in value or not value.strip():
            continue
        default = typed(_bare(value.strip()))
        found.append(
            setting(
                match[1], "make", place(path, at, line), type=type_of(default), default=default,
                spelling=f"{match[1]}=", help=comment,
            )
        )  # fmt: skip
    return distinct(found)


def _bare(text: str) -> str:
    """A word without its quotes."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
