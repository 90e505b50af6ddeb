"""The options of a program by the text of its --help, whatever it is written in."""

from __future__ import annotations

import re

from .setting import MOST_SETTINGS, Setting, distinct, number, place, setting, type_of, typed

_MOST_LINES = 5000
_WORD = r"-{1,2}[A-Za-z0-9][\w.-]*"
_VALUE = (
    r"(?:[ =]?\[=?[^\]\n]{1,80}\]|[ =]<[^>\n]{1,80}>(?:\.\.\.)?|[ =]\{[^}\n]{1,300}\}"
    r"|[ =][A-Z][A-Z0-9_:.|\[\]-]*(?=[\s,]|$)|=[\w<>.|-]+"
    r"|[ ](?:int|float|num|number|string|str|text|integer|double|uint|path|file|dir|n|value)\b)"
)
_OPTION = re.compile(
    rf"^\s{{0,20}}({_WORD})({_VALUE})?"
    rf"((?:(?:,\s*|\s*\|\s*|\s*/\s*|\s+)(?:{_WORD})(?:{_VALUE})?)*)(.*)$"
)
_MORE = re.compile(rf"({_WORD})({_VALUE})?")
_DEFAULT = re.compile(
    r"[(\[](?:the )?default(?:s to| is|:|=)?[ ]*[\"']?([^\"')\]]*?)[\"']?[)\]]"
    r"|\bdefaults?(?: value)?(?: to| is|:|=)[ ]*[\"'`]?([^\s,;\"'`)\]]+)",
    re.IGNORECASE,
)
_BARE_DEFAULT = re.compile(r"\[([-+]?\d[\d.eE+-]*|true|false)\]\s*$", re.IGNORECASE)
_CHOICES = re.compile(
    r"\{([^}]+)\}|[\[(](?:possible values|choices|one of)[: ]+([^\])]+)[\])]", re.IGNORECASE
)
_LEFT_OUT = {"h", "help", "version", "V", "?"}
_FLOATS = {"float", "double", "f64", "f32", "real", "decimal"}
_INTS = {
    "int",
    "integer",
    "n",
    "num",
    "number",
    "uint",
    "u32",
    "u64",
    "i32",
    "i64",
    "count",
    "size",
}


def help_settings(text: str) -> list[Setting]:
    """The options that a --help text lists, with their defaults, choices and explanations.

    An option without a value is a flag. The places have no path: the text is output.
    """
    found: list[Setting] = []
    block: list[str] = []
    for line in [*text.split("\n")[:_MOST_LINES], "-"]:
        if (re.match(r"\s{0,20}-{1,2}\w", line) and len(line) < 1000) or line == "-":
            if block and len(found) < MOST_SETTINGS:
                found += _option(block)
            block = [line]
        elif block and line.startswith((" ", "\t")) and len(block) < 20:
            block.append(line[:1000])
        elif not line.strip() and block:
            block.append("")
        elif block and not line.startswith((" ", "\t")):
            if len(found) < MOST_SETTINGS:
                found += _option(block)
            block = []
    return distinct(found)


def _option(block: list[str]) -> list[Setting]:
    match = _OPTION.match(block[0])
    if match is None:
        return []
    pairs = [(match[1], match[2] or ""), *_MORE.findall(match[3])]
    names = [name for name, _ in pairs]
    spelling = next((name for name in names if name.startswith("--")), names[0])
    negation = ""
    bracketed = re.match(r"--\[no-?\]", block[0].strip())
    if spelling.startswith("--no-") and f"--{spelling[5:]}" in names:
        spelling, negation = f"--{spelling[5:]}", spelling
    elif f"--no-{spelling[2:]}" in names:
        negation = f"--no-{spelling[2:]}"
    name = spelling.lstrip("-")
    if name in _LEFT_OUT or bracketed:
        return []
    metavar = next((value for _, value in pairs if value), "").strip(" =[]<>")
    rest = " ".join([match[4].strip(), *(line.strip() for line in block[1:])]).strip()
    written = _DEFAULT.search(rest) or _BARE_DEFAULT.search(rest)
    default = next((group for group in written.groups() if group is not None), None) if (
        written
    ) else None  # fmt: skip
    value = None if default is None else typed(default.strip().rstrip("."))
    if isinstance(value, str) and value.lower() in ("none", "null", ""):
        value = None
    listed = _CHOICES.search(metavar + " " + rest) or (
        re.match(r"()([\w.-]+(?:[|,][\w.-]+)+)$", metavar.strip("{}"))
    )
    choices = _split(listed[1] or listed[2]) if listed else []
    flag = not metavar and not choices and (value is None or isinstance(value, bool))
    kind = _kind(metavar, value, choices)
    return [
        setting(
            name,
            "help",
            place("", 0, block[0]),
            type="bool" if flag else kind,
            default=bool(value) if flag else value,
            choices=[choice if kind == "text" else typed(choice) for choice in choices],
            flag=flag,
            negation=negation,
            spelling=spelling,
            help=rest,
        )
    ]


def _kind(metavar: str, value: object, choices: list[str]) -> str:
    word = re.sub(r"[^a-z0-9]", "", metavar.lower())
    if word in _FLOATS:
        return "float"
    if word in _INTS or (isinstance(value, int) and not isinstance(value, bool)):
        return "float" if isinstance(value, float) else "int"
    if isinstance(value, bool | float):
        return type_of(value)
    if choices and all(number(choice) is not None for choice in choices):
        return type_of(number(choices[0]))
    return "text"


def _split(text: str) -> list[str]:
    return [word.strip(" '\"") for word in re.split(r"[|,]", text) if word.strip(" '\"")][:100]
