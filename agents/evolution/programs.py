"""A program as its editable files: what of it may be changed, and how a change is put into it."""

from collections.abc import Iterable, Mapping

from agents.evolution.proposing import Situation
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


def known_codes(situation: Situation) -> frozenset[str]:
    """Every program that was proposed or evaluated before, the champion and baseline with them."""
    codes = {tried.code for tried in situation.tried}
    codes |= {round.proposal.code for round in situation.rounds if round.proposal is not None}
    return frozenset(codes | {code_hash(situation.champion), code_hash(situation.baseline)})
