"""What was tried, as a population: islands, and in each the best program of every behaviour.

MAP-Elites (Mouret and Clune 2015) with islands and migration, as evolutionary coding agents use
them (AlphaEvolve, Novikov et al. 2025). Rebuilt from the ledger's rounds at every turn.
"""

import math
from collections.abc import Sequence

from agents.evolution.proposing import Situation, Tried
from labcrew.domain.base import Model
from labcrew.domain.evolution import code_hash
from labcrew.domain.evolution_spec import Scale

ISLANDS = 3
MIGRATION = 10
"""Rounds between two visits of every island's best to the next island."""


class Cell(Model):
    """How a program behaves, coarsely.

    Args:
        length: of its code, in doublings.
        runtime: in doublings.
        proposer: who made it; empty: the baseline.
    """

    length: int
    runtime: int
    proposer: str


class Elite(Model):
    """The best program of a cell."""

    cell: Cell
    island: int
    tried: Tried


class Archive(Model):
    """The best program of every cell of every island."""

    elites: tuple[Elite, ...]

    def island(self, number: int) -> tuple[Tried, ...]:
        """An island's programs."""
        return tuple(elite.tried for elite in self.elites if elite.island == number)


def archive(situation: Situation) -> Archive:
    """The archive after all rounds so far; it can be told from the rounds alone."""
    scale = situation.spec.metric
    made_by = {
        round.proposal.code: round.proposal.proposer
        for round in situation.rounds
        if round.proposal is not None
    }
    best: dict[tuple[int, Cell], Tried] = {}
    last = 0
    for tried in sorted(situation.tried, key=lambda t: t.round):
        if not math.isfinite(tried.score):
            continue
        if tried.round // MIGRATION > last:
            last = tried.round // MIGRATION
            best = _migrated(best, scale)
        cell = cell_of(tried, made_by.get(tried.code, ""))
        # The baseline is where every island began.
        for island in range(ISLANDS) if tried.round == 0 else (tried.round % ISLANDS,):
            _put(best, (island, cell), tried, scale)
    elites = [
        Elite(cell=cell, island=island, tried=tried) for (island, cell), tried in best.items()
    ]
    return Archive(elites=tuple(elites))


def elites(situation: Situation) -> list[Tried]:
    """The programs of the island whose turn it is, the best first, without the champion.

    Only those with all of the champion's files, as a program is every editable file.
    """
    turn = (situation.rounds[-1].number if situation.rounds else 0) + 1
    paths = {file.path for file in situation.champion}
    there = [
        tried
        for tried in differing(archive(situation).island(turn % ISLANDS), situation)
        if paths <= {file.path for file in tried.files}
    ]
    return ranked(there, situation.spec.metric)


def cell_of(tried: Tried, proposer: str) -> Cell:
    """The cell that a program belongs to."""
    length = sum(len(file.text) for file in tried.files)
    return Cell(
        length=int(math.log2(length + 1) * 2),
        runtime=round(math.log2(max(tried.seconds, 1e-3))),
        proposer=proposer,
    )


def ranked(programs: Sequence[Tried], scale: Scale) -> list[Tried]:
    """Programs, the best first; of equals the earlier one."""
    return sorted(programs, key=lambda t: (scale.gain(0.0, t.score), t.round, t.code))


def differing(programs: Sequence[Tried], situation: Situation) -> list[Tried]:
    """The programs that are not the champion itself."""
    champion = code_hash(situation.champion)
    return [tried for tried in programs if tried.code != champion]


def _put(
    best: dict[tuple[int, Cell], Tried], place: tuple[int, Cell], tried: Tried, scale: Scale
) -> None:
    there = best.get(place)
    if there is None or scale.gain(tried.score, there.score) > 0:
        best[place] = tried


def _migrated(best: dict[tuple[int, Cell], Tried], scale: Scale) -> dict[tuple[int, Cell], Tried]:
    """Each island's best program goes to the next island as well."""
    after = dict(best)
    for island in range(ISLANDS):
        there = [(cell, tried) for (number, cell), tried in best.items() if number == island]
        if there:
            order = ranked([tried for _, tried in there], scale)
            cell = next(cell for cell, tried in there if tried is order[0])
            _put(after, ((island + 1) % ISLANDS, cell), order[0], scale)
    return after
