"""A loop that has had many rounds, without the hours that they take."""

from itertools import cycle

from agents.evolution.proposers import PROPOSERS
from labcrew.domain.evolution import CodeFile, ScoredRun, code_hash, round_id, run_id
from labcrew.ledger import Ledger


def add_rounds(ledger: Ledger, id: str, many: int) -> None:
    """Puts rounds into a loop as if they had run: each with a program of its own, all reverted.

    Args:
        ledger: of the bench.
        id: a loop that has ended a round, and stands still.
        many: rounds.
    """
    evolution = ledger.evolutions.get(id)
    last = ledger.rounds.of(id)[-1]
    assert last.proposal is not None
    code = code_hash(evolution.baseline)
    runs = [r for r in ledger.scored_runs.of(id) if r.split == "gate" and r.code == code]
    numbers = range(last.number + 1, last.number + 1 + many)
    with ledger.transaction():
        for number, proposer in zip(numbers, cycle(PROPOSERS), strict=False):
            files = _another(evolution.baseline, number)
            proposal = last.proposal.model_copy(
                update={"proposer": proposer, "title": f"Add {number}", "files": files}
                | {"values": {}, "parents": ()}
            )
            for run in runs:
                ledger.scored_runs.put(_of(run, proposal.code), actor="bench")
            ended = last.model_copy(
                update={
                    "id": round_id(id, number),
                    "number": number,
                    "proposal": proposal,
                    "verdict": "reverted",
                    "reason": "it is made up",
                    "score": sum(run.score for run in runs) / len(runs),
                    "first": None,
                    "retest": None,
                    "screen": "",
                }
            )
            ledger.rounds.put(ended, actor="bench", kind="round.ended")
        now = evolution.model_copy(update={"rounds": numbers[-1]})
        ledger.evolutions.put(now, actor="bench")


def _another(program: tuple[CodeFile, ...], number: int) -> tuple[CodeFile, ...]:
    """The program with a line of Python more."""
    place = next(n for n, file in enumerate(program) if file.path.endswith(".py"))
    changed = program[place].model_copy(
        update={"text": f"{program[place].text}\n\ndef unused():\n    return {number}\n"}
    )
    return (*program[:place], changed, *program[place + 1 :])


def _of(run: ScoredRun, code: str) -> ScoredRun:
    id = run_id(run.ticket, code, run.case, run.seed)
    return run.model_copy(update={"id": id, "code": code})
