"""A program as its editable files: what of it may be changed, and how a change is put into it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from agents.evolution.proposing import Situation
from agents.evolution.syntax import shape
from labcrew.domain.base import content_hash
from labcrew.domain.evolution import CodeFile, code_hash
from labcrew.evolution_file import may_edit


def python_files(
    situation: Situation, program: tuple[CodeFile, ...] | None = None
) -> tuple[CodeFile, ...]:
    """A program's Python files that may be edited, in the order of their paths.

    Args:
        program: None is the champion.
    """
    files = situation.champion if program is None else program
    return tuple(
        file
        for file in sorted(files, key=lambda f: f.path)
        if file.path.endswith(".py") and may_edit(situation.spec, file.path)
    )


def changed(files: Iterable[CodeFile], texts: Mapping[str, str]) -> tuple[CodeFile, ...]:
    """The program with files exchanged or added, in the order of their paths."""
    now = {file.path: file.text for file in files} | dict(texts)
    return tuple(CodeFile(path=path, text=text) for path, text in sorted(now.items()))


def ran(situation: Situation) -> Iterator[tuple[int, tuple[CodeFile, ...]]]:
    """The programs that ran, each with its round; those too that were dropped half way."""
    for tried in situation.tried:
        yield tried.round, tried.files
    for round in situation.rounds:
        if round.proposal is not None and round.verdict not in (None, "refused"):
            yield round.number, round.proposal.files


class Known:
    """The programs that were proposed or evaluated before, the champion and baseline with them.

    A program is among them too where only comments and blank space tell it from one that ran.
    """

    def __init__(self, situation: Situation) -> None:
        proposals = [round.proposal for round in situation.rounds if round.proposal is not None]
        stood = (situation.champion, situation.baseline)
        self._codes = {tried.code for tried in situation.tried}
        self._codes |= {proposal.code for proposal in proposals} | set(map(code_hash, stood))
        self._shapes = {program_shape(files) for _, files in ran(situation)}
        self._shapes |= set(map(program_shape, stood))

    def __contains__(self, files: tuple[CodeFile, ...]) -> bool:
        return code_hash(files) in self._codes or program_shape(files) in self._shapes


@lru_cache(maxsize=2000)
def program_shape(files: tuple[CodeFile, ...]) -> str:
    """A hash of a program that comments, documentation and blank space don't change."""
    return content_hash(
        [
            [f.path, shape(f.text) if f.path.endswith(".py") else content_hash(f.text)]
            for f in sorted(files, key=lambda f: f.path)
        ]
    )
