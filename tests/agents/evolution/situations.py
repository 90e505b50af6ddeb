"""Situations, rounds and proposals for tests."""

from agents.evolution.proposing import Situation
from labcrew.domain.evolution import (
    Analysis,
    CodeFile,
    Comparison,
    Proposal,
    Round,
    round_id,
)
from labcrew.domain.evolution_spec import EvolutionSpec, Program, Scale, Scorer


def spec(**changes: object) -> EvolutionSpec:
    fields: dict[str, object] = {
        "title": "a toy",
        "repository": ".",
        "editable": ("program", "settings.yaml"),
        "program": Program(command="python program/main.py {input} {output}"),
        "scorer": Scorer(command="python scorer.py {runs} {scores}", private=("scorer.py",)),
        "cases": "cases.jsonl",
        "metric": Scale(name="score", low=-1000, high=1000),
    }
    return EvolutionSpec.model_validate(fields | changes)


def files(text: str, path: str = "program/main.py") -> tuple[CodeFile, ...]:
    return (CodeFile(path=path, text=text),)


def situation(program: tuple[CodeFile, ...], **changes: object) -> Situation:
    fields: dict[str, object] = {
        "spec": spec(),
        "champion": program,
        "baseline": program,
        "analysis": Analysis(mean=0, failures=(), summary="nothing known"),
    }
    return Situation.model_validate(fields | changes)


def comparison(gain: float, pairs: int = 4) -> Comparison:
    return Comparison(
        pairs=pairs,
        gain=gain,
        low=gain - 0.01,
        high=gain + 0.01,
        level=0.99,
        better=pairs if gain > 0 else 0,
        worse=pairs if gain < 0 else 0,
    )


def a_round(
    number: int,
    proposal: Proposal | None,
    *,
    gain: float = -1.0,
    kept: bool = False,
    **changes: object,
) -> Round:
    fields: dict[str, object] = {
        "id": round_id("E-001", number),
        "ticket": "E-001",
        "number": number,
        "status": "noted",
        "champion": "c" * 64,
        "analysis": Analysis(mean=0, failures=(), summary=""),
        "proposal": proposal,
        "first": comparison(gain) if proposal is not None else None,
        "verdict": "kept" if kept else "reverted",
        "began_at": "2026-01-01T00:00:00Z",
    }
    return Round.model_validate(fields | changes)


def a_proposal(text: str = "x = 1\n", proposer: str = "mutation", **changes: object) -> Proposal:
    fields: dict[str, object] = {
        "proposer": proposer,
        "title": "a change",
        "rationale": "It may help.",
        "files": files(text),
    }
    return Proposal.model_validate(fields | changes)
