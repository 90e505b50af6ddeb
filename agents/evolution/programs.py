"""A program as its editable files: what of it may be changed, and how a change is put into it."""

from collections.abc import Iterable, Mapping
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


class Known:
    """The programs that were proposed or evaluated before, the champion and baseline with them.

    A program is among them too where only comments and blank space tell it from one of them.
    """

    def __init__(self, situation: Situation) -> None:
        proposals = [round.proposal for round in situation.rounds if round.proposal is not None]
        tried = [(run.code, run.files) for run in situation.tried]
        for files in (situation.champion, situation.baseline):
            tried.append((code_hash(files), files))
        self._codes = {code for code, _ in tried} | {proposal.code for proposal in proposals}
        self._shapes = {program_shape(files) for _, files in tried}

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
