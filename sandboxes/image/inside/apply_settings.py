"""Writes settings into a file's text and leaves the rest of it as it was.

Standard input: {"file": name, "content": text, "values": {"a.b": 1}, "style": "file"}. The name's
suffix says what it is: .yaml, .yml, .json, .toml, .ini, .cfg: key b of table a is set; .env: the
variable; .py: the default of `add_argument("--a-b", default=…)`. Of style "source", .py and .ipynb:
the literal with that address (source_literals.py). Standard output:
{"content": text, "missing": [names]} or {"error": text}.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from source_literals import literals  # type: ignore[import-not-found]
from source_settings import Refused, set_notebook, set_source  # type: ignore[import-not-found]
from yaml_settings import places, replaced  # type: ignore[import-not-found]


def set_yaml(content: str, values: Mapping[str, Any], name: str) -> tuple[str, list[str]]:
    """YAML; every other byte stays."""
    tables, edits = places(content, name), []
    for path, value in values.items():
        table, key = _table(tables, path, name)
        edits.append((table[key], value))
    return replaced(content, edits), []


def set_json(content: str, values: Mapping[str, Any], name: str) -> tuple[str, list[str]]:
    """JSON, with its indentation and the order of its keys."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise Refused(f"{name} is not JSON: {error}") from None
    _set_all(document, values, name)
    match = re.search(r"^([ \t]+)\S", content, re.MULTILINE)
    indent = match[1] if match is not None else None
    text = json.dumps(document, indent=indent, ensure_ascii=content.isascii())
    text += "\n" if content.endswith("\n") else ""
    return text.replace("\n", "\r\n" if "\r\n" in content else "\n"), []


def set_toml(content: str, values: Mapping[str, Any], name: str) -> tuple[str, list[str]]:
    """TOML, with its comments and order."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(content)
    except TOMLKitError as error:
        raise Refused(f"{name} is not TOML: {error}") from None
    _set_all(document, values, name)
    return tomlkit.dumps(document), []


def set_python(content: str, values: Mapping[str, Any], name: str) -> tuple[str, list[str]]:
    """The literal defaults of options (argparse, optparse, click, absl), and of the one parameter
    or field of that name where no option has it; every other byte stays."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise Refused(f"{name} is not Python: {error}") from None
    lines = content.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    raw = content.encode()
    edits: list[tuple[int, int, bytes]] = []
    found: set[str] = set()
    for node in ast.walk(tree):
        default = _default(node)
        if default is None:
            continue
        for setting, value in values.items():
            if _same(setting) in _names(node):
                begin = starts[default.lineno - 1] + default.col_offset
                end = starts[(default.end_lineno or 0) - 1] + (default.end_col_offset or 0)
                edits.append((begin, end, repr(value).encode()))
                found.add(setting)
                break
    for setting, value in values.items():
        default = _declared(tree, _same(setting)) if setting not in found else None
        if default is not None:
            begin = starts[default.lineno - 1] + default.col_offset
            end = starts[(default.end_lineno or 0) - 1] + (default.end_col_offset or 0)
            edits.append((begin, end, repr(value).encode()))
            found.add(setting)
    for begin, end, new in sorted(edits, reverse=True):
        raw = raw[:begin] + new + raw[end:]
    return raw.decode(), sorted(set(values) - found)


def set_ini(content: str, values: Mapping[str, Any], name: str) -> tuple[str, list[str]]:
    """Keys of INI sections, and variables of a file of `NAME=value` lines: line by line."""
    lines = content.splitlines(keepends=True)
    section = ""
    known: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        if header := re.match(r"\s*\[([^]]+)\]", line):
            section = f"{header[1].strip()}."
        elif found := re.match(r"(\s*(?:export\s+)?([^\s#;=:\[][^=:]*?)[ \t]*[=:][ \t]*)", line):
            known[section + found[2]] = (number, found[1])  # of a key twice the last one counts
    for key, value in values.items():
        if key not in known:
            raise Refused(f"{name} has no key {key!r}; it has {', '.join(list(known)[:50])}")
        number, begin = known[key]
        told = str(value).lower() if isinstance(value, bool) else str(value)
        if not re.fullmatch(r"[^\s#;'\"$`\\]*", told):
            raise Refused(f"{key} in {name}: {told!r} can't stand in such a file")
        old = lines[number].rstrip("\r\n")
        rest = old[len(begin) :]
        quote = rest[:1] if rest[:1] in "'\"" else ""
        comment = re.search(r"\s+[#;].*$", rest)
        end = (comment[0] if comment else "") + lines[number][len(old) :]
        lines[number] = f"{begin}{quote}{told}{quote}{end}"
    return "".join(lines), []


def _default(node: ast.AST) -> ast.expr | None:
    """The literal default of a call that declares an option, if the node is one."""
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    default: ast.expr | None = None
    if called in ("add_argument", "add_option", "option"):
        default = next((k.value for k in node.keywords if k.arg == "default"), None)
    elif called.startswith("DEFINE_") and len(node.args) > 1:
        default = node.args[1]
    if default is None:
        return None
    try:
        ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return default


def _declared(tree: ast.Module, name: str) -> ast.expr | None:
    """The literal default of the only parameter or field of that name."""
    found = [
        literal.node
        for literal in literals(tree)
        if literal.kind in ("parameter", "field")
        and re.sub(r"/\d+$", "", literal.address).rpartition(".")[2] == name
    ]
    return found[0] if len(found) == 1 else None


def _names(node: ast.AST) -> set[str]:
    assert isinstance(node, ast.Call)
    texts = [argument for argument in node.args if isinstance(argument, ast.Constant)]
    names = {_same(text.value) for text in texts if isinstance(text.value, str)}
    for keyword in node.keywords:
        if keyword.arg == "dest" and isinstance(keyword.value, ast.Constant):
            names.add(_same(str(keyword.value.value)))
    return names


def _same(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


def _set_all(document: Any, values: Mapping[str, Any], name: str) -> None:
    for path, value in values.items():
        table, key = _table(document, path, name)
        table[key] = value


def _table(document: Any, path: str, name: str) -> tuple[Any, str]:
    """The table that a setting stands in, and its key there."""
    place = document
    keys = path.split(".")
    if isinstance(document, dict) and path in document:
        keys = [path]  # a key that itself holds a dot
    for depth, key in enumerate(keys):
        if not isinstance(place, dict) or key not in place:
            above = ".".join(keys[:depth])
            known = sorted(map(str, place)) if isinstance(place, dict) else []
            where = f"{above} in {name}" if above else name
            have = f"it has {', '.join(known[:50])}" if known else "it has no keys of its own"
            raise Refused(f"{where} has no key {key!r}; {have}")
        if depth + 1 < len(keys):
            place = place[key]
    if isinstance(place[keys[-1]], (dict, list)):
        raise Refused(f"{path} in {name} is a table or a list, not a single value")
    return place, keys[-1]


_WRITERS: dict[str, Callable[[str, Mapping[str, Any], str], tuple[str, list[str]]]] = {
    ".yaml": set_yaml,
    ".yml": set_yaml,
    ".json": set_json,
    ".toml": set_toml,
    ".ini": set_ini,
    ".cfg": set_ini,
    ".env": set_ini,
    ".py": set_python,
}
_SOURCE_WRITERS = {".py": set_source, ".ipynb": set_notebook}


def apply(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request."""
    try:
        name, content, values = str(request["file"]), request["content"], request["values"]
    except KeyError as error:
        return {"error": f"the request lacks {error}"}
    try:
        writers = _SOURCE_WRITERS if request.get("style") == "source" else _WRITERS
        writer = writers.get(name[name.rfind(".") :].lower() if "." in name else "")
        if writer is None:
            *most, last = writers
            raise Refused(f"{name} is not a {', '.join(most)} or {last} file")
        if not isinstance(content, str) or not isinstance(values, dict):
            raise Refused("content must be text and values an object")
        mark = "\ufeff" if content.startswith("\ufeff") else ""
        text, missing = writer(content[len(mark) :], values, name)
    except Refused as refusal:
        return {"error": f"{refusal}{_hint(content)}"}
    except Exception as error:  # what a library makes of a hostile file is an answer, too
        return {"error": f"{type(error).__name__}: {str(error)[:500]}{_hint(content)}"}
    return {"content": mark + text, "missing": missing}


def _hint(content: Any) -> str:
    """What bytes that are no UTF-8 add to a refusal; they came as surrogates."""
    try:
        str(content).encode()
    except UnicodeEncodeError:
        return "; it is not UTF-8: save it so"
    return ""


if __name__ == "__main__":
    json.dump(apply(json.load(sys.stdin)), sys.stdout)
