"""Loops of self-evolution as people read them: one typed model for terminal, board and API."""

from collections.abc import Sequence

from pydantic import Field

from agents.evolution.description import interval
from labcrew.domain.base import Model
from labcrew.domain.evolution import Comparison, Evolution, Kept, NoiseFloor, Round, Sealed, Verdict
from labcrew.domain.review import Gate
from labcrew.ledger import Ledger

_NO_BOUND = 1e300


class RoundRow(Model):
    """A round on one line."""

    number: int
    proposer: str
    title: str
    verdict: Verdict | None = Field(description="None: under way")
    doing: str = Field(description="where it stands, while it is under way")
    score: float | None
    gain: Comparison | None = Field(description="of the re-test, else of the first comparison")
    reason: str
    note: str
    criticism: str
    seconds: float
    own_seconds: float
    tokens: int
    commit: str


class EvolutionHead(Model):
    """A loop without its rounds; what its seeds are drawn from is never shown."""

    id: str
    title: str
    status: str
    outcome: str
    control: str
    metric: str
    direction: str
    rounds_done: int
    rounds_allowed: int
    hours_spent: float
    hours_allowed: float
    tokens_spent: int
    tokens_allowed: int
    usd_spent: float = Field(description="by the settings' prices; 0: nothing has a price")
    usd_allowed: float | None = Field(description="None: tokens alone bound it")
    keeps: int = Field(description="rounds that were kept so far")
    noise: NoiseFloor | None
    champion_round: int = Field(description="0: the baseline stands")
    score: float | None = Field(description="gate mean of what stands, on the first seeds")
    kept: tuple[Kept, ...] = Field(description="what each kept change brings, known at the end")
    sealed: Sealed | None
    gates: tuple[Gate, ...] = Field(description="open ones")
    merge_request: str
    started_by: str
    started_at: str = Field(description="ISO 8601, UTC")


class EvolutionSheet(EvolutionHead):
    """A loop with its rounds, newest last."""

    rounds: tuple[RoundRow, ...]


def sheet_of(ledger: Ledger, evolution: Evolution) -> EvolutionSheet:
    """A loop as the ledger has it."""
    rounds = ledger.rounds.of(evolution.id)
    return EvolutionSheet(
        **dict(_head(ledger, evolution, rounds)), rounds=tuple(row_of(r) for r in rounds)
    )


def head_of(ledger: Ledger, evolution: Evolution) -> EvolutionHead:
    """A loop without its rounds."""
    return _head(ledger, evolution, ledger.rounds.of(evolution.id))


def _head(ledger: Ledger, evolution: Evolution, rounds: Sequence[Round]) -> EvolutionHead:
    requests = ledger.merge_requests.of(evolution.id)
    budget = evolution.spec.budget
    return EvolutionHead(
        id=evolution.id,
        title=evolution.spec.title,
        status=evolution.status,
        outcome=evolution.outcome,
        control=evolution.control,
        metric=evolution.scale.name,
        direction=evolution.scale.direction,
        rounds_done=evolution.rounds,
        rounds_allowed=budget.rounds,
        hours_spent=evolution.seconds / 3600,
        hours_allowed=budget.hours,
        tokens_spent=evolution.model_tokens,
        tokens_allowed=budget.model_tokens,
        usd_spent=evolution.model_usd,
        usd_allowed=budget.model_usd,
        keeps=sum(round_.verdict == "kept" for round_ in rounds),
        noise=evolution.noise,
        champion_round=evolution.champion_round,
        score=_stands(evolution, rounds),
        kept=evolution.kept,
        sealed=evolution.sealed,
        gates=tuple(g for g in ledger.gates.of(evolution.id) if g.status == "open"),
        merge_request=requests[-1].id if requests else "",
        started_by=evolution.started_by,
        started_at=evolution.started_at,
    )


def _stands(evolution: Evolution, rounds: Sequence[Round]) -> float | None:
    if evolution.champion_round == 0:
        return evolution.noise.mean if evolution.noise is not None else None
    return next((r.score for r in rounds if r.number == evolution.champion_round), None)


def row_of(round_: Round) -> RoundRow:
    """One round as a row."""
    proposal = round_.proposal
    return RoundRow(
        number=round_.number,
        proposer=proposal.proposer if proposal else "",
        title=proposal.title if proposal else "",
        verdict=round_.verdict,
        doing="" if round_.status == "noted" else round_.status,
        score=round_.score,
        gain=round_.retest or round_.first,
        reason=round_.reason,
        note=round_.note,
        criticism=round_.criticism,
        seconds=round_.seconds,
        own_seconds=round_.own_seconds,
        tokens=round_.model_tokens,
        commit=round_.commit,
    )


def gain_words(gain: Comparison) -> str:
    """A gain with its interval, where there are enough pairs for one."""
    if max(abs(gain.low), abs(gain.high)) < _NO_BOUND:
        return interval(gain)
    return f"{gain.gain:+.4g} (too few pairs for an interval)"
