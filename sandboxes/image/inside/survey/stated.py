"""Commands that people are told to run: in README, docs, CI files, Makefiles and docstrings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .tree import Tree, folder_of, name_of
from .words import words

MOST_COMMAND = 1000
MOST_DOCUMENTS = 150
_PROMPT = re.compile(
    r"^\s*(?:\([\w.-]+\)\s*)?(?:[\w.@:~/-]*[$%]|>{1,3}|[\w.-]+@[\w.-]+:\S*[#$])\s+(?=\S)"
)
_VARIABLE = re.compile(r"^[A-Za-z_]\w*=\S*$")
_PROGRAMS = words(
    "python python3 python2 bash sh zsh make torchrun accelerate deepspeed uv poetry pipenv "
    "pdm hatch rye conda mamba micromamba jupyter papermill Rscript julia perl awk gawk node "
    "ruby lua mpirun horovodrun streamlit dvc snakemake pip pip3 apt apt-get sudo source wget "
    "curl git docker tox nox ipython pixi invoke mlflow wandb pytest cargo cmake"
)
_WRAPPERS = words("sudo time nohup env exec nice command ! if then do")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*\{?\.?([\w+-]*)")
_SHELL_TONGUES = words(
    "sh bash shell console zsh text shell-session terminal cmd none commandline bat "
    "powershell plain plaintext code"
)
_INLINE = re.compile(r"`{1,2}([^`\n]{4,400})`{1,2}")


@dataclass(frozen=True)
class Command:
    """A command as it stands, from the repository's root.

    Args:
        line: one shell line.
        folder: where it runs, seen from the root.
        path: the document.
        number: its line there.
    """

    line: str
    folder: str
    path: str
    number: int


def is_document(path: str) -> bool:
    """Whether a file tells people what to run."""
    name = name_of(path).lower()
    top = path.split("/")[0].lower()
    _, _, suffix = name.rpartition(".")
    if name.startswith(
        ("readme", "contributing", "install", "usage", "getting_started", "quickstart")
    ):
        return suffix in {"md", "rst", "txt"} or "." not in name
    return suffix in {"md", "rst"} and (top in {"docs", "doc", "documentation"} or "/" not in path)


def is_ci(path: str) -> bool:
    """Whether a file says what a machine runs on each change."""
    return (path.startswith(".github/workflows/") and path.endswith((".yml", ".yaml"))) or path in {
        ".gitlab-ci.yml", ".travis.yml", ".circleci/config.yml", "azure-pipelines.yml", "tox.ini",
    }  # fmt: skip


def in_document(text: str, path: str, tree: Tree, names: set[str]) -> Iterator[Command]:
    """The commands of a document's code blocks and of its inline code."""
    here = folder_of(path)
    if here.split("/")[0].lower() in {"docs", "doc", "documentation", ".github"}:
        here = ""
    block: list[tuple[int, str]] = []
    for number, line, starts in _code_lines(text):
        if starts:
            yield from _of_block(block, here, path, tree, names)
            block = []
        block.append((number, line))
    yield from _of_block(block, here, path, tree, names)


def _code_lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """(line number, text, whether a new block starts) of fenced, indented and inline code."""
    fence = tongue = ""
    was_code = False
    for number, line in enumerate(text.split("\n"), 1):
        match = _FENCE.match(line)
        if match and not fence:
            fence, tongue, was_code = match[1], match[2].lower(), False
        elif match and fence and match[1].startswith(fence[:3]) and not match[2]:
            fence, was_code = "", False
        elif fence:
            if not tongue or tongue in _SHELL_TONGUES:
                yield number, line, not was_code
                was_code = True
        elif line.startswith(("    ", "\t", "   ")) and line.strip():
            yield number, line, not was_code
            was_code = True
        elif line.strip():
            was_code = False
            for inline in _INLINE.finditer(line):
                yield number, inline[1], True
            if _PROMPT.match(line):
                yield number, line, True


def _of_block(
    block: list[tuple[int, str]], here: str, path: str, tree: Tree, names: set[str]
) -> Iterator[Command]:
    folder = here
    for number, line in _joined(block):
        bare = _PROMPT.sub("", line).strip()
        bare = re.sub(r"\s+#\s.*$", "", bare)
        moved = re.fullmatch(r"cd\s+(\S+)", bare)
        if moved:
            folder = _inside(folder, moved[1], tree)
        elif is_command(bare, tree, folder, names):
            yield Command(bare[:MOST_COMMAND], folder, path, number)


def _joined(block: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines with their continuations."""
    held, first = "", 0
    for number, line in block:
        first = first or number
        if line.rstrip().endswith("\\") and len(held) < 4000:
            held += line.rstrip()[:-1].strip() + " "
            continue
        yield first, f"{held}{line.strip()}"
        held, first = "", 0
    if held:
        yield first, held.strip()


def _inside(folder: str, change: str, tree: Tree) -> str:
    """The folder after `cd`; one that isn't in the repository is its clone, so the root."""
    parts = [] if change.startswith(("/", "~", "$")) else folder.split("/") if folder else []
    for part in change.strip("\"'").rstrip("/").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in (".", ""):
            parts.append(part)
    wanted = "/".join(parts)
    return wanted if tree.is_folder(wanted) else ""


def words_of(line: str) -> list[str]:
    """The words of a shell line; nothing where its quotes don't close."""
    try:
        return shlex.split(line, comments=False)
    except ValueError:
        return []


def is_command(line: str, tree: Tree, folder: str, names: set[str]) -> bool:
    """Whether a line of a code block is a shell command that matters here."""
    if not line or len(line) > 4000 or line.startswith(("#", "//", ">>>", "import ", "from ")):
        return False
    words = words_of(line)
    while words and (_VARIABLE.match(words[0]) or words[0] in _WRAPPERS):
        words = words[1:]
    if not words:
        return False
    first = words[0]
    if first == "cd" and ("&&" in words or any(word.endswith(";") for word in words)):
        return True
    if len(words) > 1 and words[1] in {"=", "==", ":", "is", "are", "will", "and", "or", "->"}:
        return False
    program = name_of(first)
    if re.fullmatch(r"python3?(\.\d+)?|" + "|".join(map(re.escape, _PROGRAMS)), program):
        return len(words) > 1 or program in {"make", "pytest", "tox"}
    if first in names:
        return True
    local = "/".join(filter(None, [folder, first.removeprefix("./")]))
    return first.startswith("./") and (local in tree or first.removeprefix("./") in tree)


def in_ci(text: str, path: str, tree: Tree, names: set[str]) -> Iterator[Command]:
    """The commands of a CI file: what stands after `run:`, in its blocks and in script lists."""
    indent, block = -1, False
    held: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        depth = len(line) - len(line.lstrip())
        bare = line.strip()
        if block and bare and depth <= indent:
            block = False
        match = re.match(r"(?:-\s+)?(?:run|script|commands?)\s*[:=]\s*(.*)", bare)
        if match and not block:
            indent, block = depth, True
            if match[1] and match[1].strip() not in {"|", ">", "|-", ">-", "|+"}:
                held.append((number, match[1].strip("'\"")))
        elif block and bare:
            held.append((number, bare.removeprefix("- ").strip("'\"")))
    yield from _of_block(held, "", path, tree, names)


def in_shell(text: str, path: str, folder: str, tree: Tree, names: set[str]) -> Iterator[Command]:
    """The commands of a shell script or of a Makefile's recipe."""
    lines = [
        (
            number,
            line.replace("$(PYTHON)", "python")
            .replace("$(PY)", "python")
            .replace("${PYTHON}", "python"),
        )
        for number, line in enumerate(text.split("\n"), 1)
    ]
    yield from _of_block(lines, folder, path, tree, names)


def in_docstring(text: str, path: str, tree: Tree, names: set[str]) -> Iterator[Command]:
    """The commands of a module's docstring: lines that begin with one."""
    lines = [
        (
            number,
            re.sub(r"^\s*(?:[Uu]sage|[Ee]xamples?|[Rr]un(?: with)?)\s*:\s*", "", line)
            .strip()
            .strip("`"),
        )
        for number, line in enumerate(text.split("\n"), 1)
    ]
    yield from _of_block(lines, "", path, tree, names)


@dataclass(frozen=True)
class Target:
    """What a command runs, as far as its words say."""

    path: str = ""
    module: str = ""
    make: str = ""
    name: str = ""


def targets_of(command: Command, tree: Tree) -> Iterator[tuple[Target, str]]:
    """(target, folder) of each program that a command starts."""
    folder = command.folder
    for part in re.split(r"&&|\|\||;|\|", command.line):
        words = words_of(part)
        while words and (_VARIABLE.match(words[0]) or words[0] in _WRAPPERS):
            words = words[1:]
        if not words:
            continue
        if words[0] == "cd" and len(words) > 1:
            folder = _inside(folder, words[1], tree)
            continue
        if words[0] == "make":
            inner = folder
            if "-C" in words[:-1]:
                inner = _inside(folder, words[words.index("-C") + 1], tree)
            for word in words[1:]:
                if not word.startswith("-") and "=" not in word:
                    yield Target(make=word), inner
            continue
        for at, word in enumerate(words):
            if word == "-m" and at + 1 < len(words):
                yield Target(module=words[at + 1]), folder
            for base in dict.fromkeys([folder, folder_of(command.path), ""]):
                path = _file(base, word, tree)
                if path:
                    yield Target(path=path), base
                    break
        yield Target(name=words[0]), folder


def _file(folder: str, word: str, tree: Tree) -> str:
    if "." not in word and "/" not in word:
        return ""
    parts = folder.split("/") if folder else []
    for part in word.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    path = "/".join(parts)
    if path in tree:
        return path
    return f"{path}/__main__.py" if f"{path}/__main__.py" in tree else ""
