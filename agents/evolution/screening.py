"""What is refused before it runs: changes outside what may be edited, repeats, and no Python."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from agents.evolution.programs import program_shape, ran
from agents.evolution.proposing import Situation
from agents.evolution.syntax import compile_trouble
from labcrew.domain.evolution import CodeFile, Proposal, code_hash
from labcrew.domain.evolution_spec import EvolutionSpec
from labcrew.domain.repository_path import relative
from labcrew.evolution_file import MOST_FILES, MOST_PROGRAM_BYTES, may_edit
from labcrew.plain_text import HALVES, ODD, is_plain

MOST_FILE_BYTES = 256 * 1024
"""Of a file that a change touches."""
MOST_GROWTH = 4.0
"""Times the baseline's size, where that is more than `_SMALL` bytes."""
_SMALL = 20_000
_HIJACKING = frozenset(
    {"sitecustomize.py", "usercustomize.py", "conftest.py", "pytest.ini", "tox.ini", "setup.cfg",
     "pyproject.toml", "__main__.py"}
)  # fmt: skip
"""Names that Python or test tools take notice of wherever they lie."""


def screen(spec: EvolutionSpec, situation: Situation, proposal: Proposal) -> str:
    """Why a proposal is not run; empty where it may be.

    Args:
        situation: before the proposal; its rounds and programs are what counts as tried.
    """
    champion = {file.path: file.text for file in situation.champion}
    if len({file.path for file in proposal.files}) != len(proposal.files):
        return "the same path stands in it twice"
    missing = _missing(situation, proposal)
    if missing:
        return missing
    broken = [file.path for file in proposal.files if HALVES.search(file.path + file.text)]
    if broken:
        return f"{broken[0][:100]!r} is no UTF-8 text"
    touched = [file for file in proposal.files if champion.get(file.path) != file.text]
    size = _size_trouble(situation, proposal.files, touched)
    if size:
        return size
    for file in touched:
        trouble = _path_trouble(spec, file.path, file.path in champion)
        if trouble:
            return trouble
    repeat = _repeat(situation, proposal)
    if repeat:
        return repeat
    for file in touched:
        trouble = _text_trouble(file)
        if trouble:
            return trouble
    return _same_shape(situation, proposal)


def _missing(situation: Situation, proposal: Proposal) -> str:
    left_out = sorted(
        {file.path for file in situation.champion} - {file.path for file in proposal.files}
    )
    return f"{left_out[0]} is missing: a program is every editable file, whole" if left_out else ""


def _path_trouble(spec: EvolutionSpec, path: str, there: bool) -> str:
    try:
        plain = relative(path) == path and is_plain(path)
    except ValueError:
        plain = False
    if not plain:
        return f"{path[:100]!r} is no plain path inside the repository"
    if not may_edit(spec, path):
        return f"{path} may not be edited (editable: {', '.join(spec.editable)})"
    return "" if there else _hijack(spec, path)


def _hijack(spec: EvolutionSpec, path: str) -> str:
    """Why a new file's name would change what other code means."""
    pure = PurePosixPath(path)
    if pure.name in _HIJACKING or pure.suffix in (".pth", ".so", ".pyc", ".pyd"):
        return f"a new file {path} would be read at start-up, or by tests, without being asked for"
    stems = {part.partition(".")[0] for part in pure.parts}
    taken = stems & sys.stdlib_module_names
    if taken and pure.suffix in (".py", ".pyi", ""):
        return f"a new file {path} would hide Python's own module {min(taken)}"
    private = {PurePosixPath(p).stem for p in spec.scorer.private}
    if private & stems:
        return f"a new file {path} has the name of a file of the scorer"
    return ""


def _size_trouble(
    situation: Situation, files: Sequence[CodeFile], touched: Sequence[CodeFile]
) -> str:
    if len(files) > MOST_FILES:
        return f"it has {len(files)} files, more than {MOST_FILES}"
    for file in touched:
        if _bytes([file]) > MOST_FILE_BYTES:
            return f"{file.path} has {_bytes([file]):,} bytes, more than {MOST_FILE_BYTES:,}"
    total, base = _bytes(files), _bytes(situation.baseline)
    most = min(MOST_PROGRAM_BYTES, max(_SMALL, int(base * MOST_GROWTH)))
    return f"the program has {total:,} bytes, more than {most:,}" if total > most else ""


def _bytes(files: Iterable[CodeFile]) -> int:
    return sum(len(file.text.encode("utf-8", "replace")) for file in files)


def _text_trouble(file: CodeFile) -> str:
    odd = ODD.search(file.text.replace("\f", ""))
    if odd is not None:
        if odd[0] == "\0":
            return f"{file.path} is binary"
        return f"{file.path} holds the invisible character U+{ord(odd[0]):04X}"
    if file.path.endswith(".py"):
        trouble = compile_trouble(file.text)
        return f"{file.path} does not compile: {trouble}" if trouble else ""
    return ""


def _repeat(situation: Situation, proposal: Proposal) -> str:
    """Whether this very program was there before."""
    code = proposal.code
    if code == code_hash(situation.champion):
        return "it changes nothing"
    if code == code_hash(situation.baseline):
        return "it is the baseline again"
    for tried in situation.tried:
        if tried.code == code:
            return f"the same program was evaluated in round {tried.round}: {tried.score:.6g}"
    for round in situation.rounds:
        before = round.proposal
        if before is not None and before.code == code and round.verdict is not None:
            return f"the same program was proposed in round {round.number}: {round.verdict}"
    return ""


def _same_shape(situation: Situation, proposal: Proposal) -> str:
    """Whether it differs from an earlier program in comments and blank space alone."""
    mine = program_shape(proposal.files)
    if mine == program_shape(situation.champion):
        return "it changes comments, documentation or blank space alone"
    if mine == program_shape(situation.baseline):
        return "but for comments and blank space it is the baseline again"
    for number, files in ran(situation):
        if mine == program_shape(files):
            return f"but for comments and blank space it is the program of round {number}"
    return ""
