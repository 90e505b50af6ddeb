"""Makes the document of a loop from the ledger; its numbers are the records' own."""

from collections import Counter
from collections.abc import Iterator, Sequence

from desk.deliverables.asking import asked
from desk.deliverables.document import Block, Bullets, Document, Paragraph, Picture, Section, Table
from desk.deliverables.plain import line
from desk.views.evolution_changes import Step, steps_of
from desk.views.evolutions import EvolutionHead, gain_words, head_of
from desk.wording import dollars
from labcrew.domain.evolution import Comparison, Evolution, Round
from labcrew.ledger import Ledger
from tools.evolution.plots import progress_png

_MOST_ROWS = 300
_MOST_POINTS = 6
_FAILED = ("refused", "dropped", "halted")


def loop_document(ledger: Ledger, evolution: Evolution) -> Document:
    """A loop's deliverable as the ledger has it now; the same ledger, the same document."""
    head, rounds = head_of(ledger, evolution), ledger.rounds.of(evolution.id)
    steps = steps_of(ledger, evolution)
    events = ledger.events.of(evolution.id)
    at = events[-1].at.isoformat(timespec="seconds") if events else evolution.started_at
    unchecked = _unchecked(ledger, evolution)
    return Document(
        title=line(evolution.spec.title),
        subtitle=f"{evolution.id}, {evolution.status}; as of {at[:16].replace('T', ' ')} UTC",
        warning="First draft, written by labcrew from its records. Not checked by a person: "
        + unchecked[0],
        at=at,
        sections=(
            _asked(evolution),
            _found(head),
            *_plot(evolution, rounds),
            _kept(steps),
            _done(evolution, rounds),
            _failed(rounds),
            _assumptions(evolution),
            _cost(head),
            Section(
                title="What no person has checked",
                message="A first draft: this is what nobody has checked yet",
                blocks=(Bullets(items=unchecked),),
                points=unchecked,
            ),
        ),
    )


def _asked(evolution: Evolution) -> Section:
    spec = evolution.spec
    may = f"May be changed: {line(', '.join((*spec.editable, *evolution.widened)))}."
    return asked(spec.title, spec.question, evolution.scale, evolution.base_commit, may)


def _found(head: EvolutionHead) -> Section:
    sealed = head.sealed
    state = f"Merge request {head.merge_request}." if head.merge_request else ""
    if sealed is None:
        told = f"The sealed split has not been opened. {line(head.outcome)}".strip()
        return Section(
            title="What was found", message="There is no result yet",
            blocks=(Paragraph(text=told),), points=(told,),
        )  # fmt: skip
    sure = sealed.comparison.low > 0
    message = (
        "The program is better than it was"
        if sure
        else "No gain is proven: the lower bound is not above zero"
    )
    relative = f", {sealed.relative:+.1%} of the baseline" if sealed.relative is not None else ""
    gain = f"{gain_words(sealed.comparison)}{relative}"
    seeds = f"{sealed.comparison.pairs} pairs of case and seed, {sealed.seeds} seeds"
    hindsight = (
        f"Of {sealed.opened} programs scored on the sealed split the best by hindsight has"
        f" {sealed.hindsight:.4g}; the one above was chosen by the gate split, where it has"
        f" {sealed.gate:.4g}."
    )
    blocks: list[Block] = [
        Paragraph(text=f"{message}."),
        Table(
            head=(line(head.metric), "before", "with the changes", "gain, interval, confidence"),
            rows=(("sealed split", f"{sealed.baseline:.4g}", f"{sealed.final:.4g}", gain),),
        ),
        Paragraph(text=f"Over {seeds}. The split was opened once, after the last round."),
        Paragraph(text=hindsight),
    ]
    points = [f"{sealed.baseline:.4g} became {sealed.final:.4g}: gain {gain}", seeds, hindsight]
    if state:
        blocks.append(Paragraph(text=state))
        points.append(state)
    return Section(
        title="What was found", message=message, blocks=tuple(blocks), points=tuple(points)
    )


def _plot(evolution: Evolution, rounds: Sequence[Round]) -> Iterator[Section]:
    if not any(round_.score is not None for round_ in rounds):
        return
    caption = f"{line(evolution.scale.name)} on the gate split by round, with the baseline's noise"
    if evolution.sealed is not None:
        caption += ", and the sealed split's two means"
    yield Section(
        title="How the rounds went",
        message=f"{len(rounds)} rounds: {line(evolution.scale.name)} by round",
        blocks=(Picture(png=progress_png(evolution, rounds), caption=f"{caption}."),),
    )


def _kept(steps: Sequence[Step]) -> Section:
    if not steps:
        told = "No change was kept."
        return Section(
            title="What was kept", message=told, blocks=(Paragraph(text=told),), points=(told,)
        )
    rows = tuple(
        (str(s.number), line(s.title), line(s.proposer), _gain(s.gain), _left_out(s)) for s in steps
    )
    head = ("round", "change", "by", "gain when kept", "gain now, by leaving it out")
    points = [f"Round {row[0]}: {row[1]}; {row[3]}" for row in rows]
    return Section(
        title="What was kept",
        message=f"{len(steps)} change{'s' * (len(steps) != 1)} kept",
        blocks=(Table(head=head, rows=rows[:_MOST_ROWS]),),
        points=_few(points),
    )


def _left_out(step: Step) -> str:
    if step.left_out is not None:
        return gain_words(step.left_out)
    return "it can't be left out alone" if step.weighed else "not known yet"


def _done(evolution: Evolution, rounds: Sequence[Round]) -> Section:
    verdicts = Counter(r.verdict or "under way" for r in rounds)
    told = f"{len(rounds)} rounds"
    told += ": " * bool(rounds) + ", ".join(f"{n} {v}" for v, n in verdicts.most_common()) + "."
    blocks: list[Block] = [Paragraph(text=told)]
    points = [told]
    if evolution.noise is not None:
        noise = (
            f"Chance alone: the program against itself differs by {evolution.noise.std:.4g} a pair;"
            f" {evolution.noise.seen}."
        )
        blocks.append(Paragraph(text=noise))
        points.append(noise)
    if rounds:
        rows = tuple(_row(round_) for round_ in rounds[:_MOST_ROWS])
        head = ("round", "change", "by", "verdict", line(evolution.scale.name), "gain")
        blocks.append(Table(head=head, rows=rows))
    if len(rounds) > _MOST_ROWS:
        blocks.append(Paragraph(text=f"{len(rounds) - _MOST_ROWS} more are in the ledger."))
    return Section(
        title="How it was done",
        message=f"What was tried, in {len(rounds)} rounds",
        blocks=tuple(blocks),
        points=tuple(points),
    )


def _row(round_: Round) -> tuple[str, ...]:
    proposal = round_.proposal
    return (
        str(round_.number),
        line(proposal.title) if proposal else "",
        line(proposal.proposer) if proposal else "",
        round_.verdict or "under way",
        "" if round_.score is None else f"{round_.score:.4g}",
        _gain(round_.retest or round_.first),
    )


def _failed(rounds: Sequence[Round]) -> Section:
    rows = tuple(
        (str(r.number), str(r.verdict), line(r.reason)) for r in rounds if r.verdict in _FAILED
    )
    if not rows:
        told = "No change was refused, dropped or halted the loop."
        return Section(
            title="What failed, and why", message="Nothing was refused or dropped",
            blocks=(Paragraph(text=told),), points=(told,),
        )  # fmt: skip
    return Section(
        title="What failed, and why",
        message=f"{len(rows)} change{'s' * (len(rows) != 1)} refused or dropped",
        blocks=(Table(head=("round", "what", "why"), rows=rows[:_MOST_ROWS]),),
        points=_few([f"Round {number}, {what}: {why}" for number, what, why in rows]),
    )


def _assumptions(evolution: Evolution) -> Section:
    spec = evolution.spec
    told = (
        f"Scores are made by {line(spec.scorer.command)}, which no candidate sees.",
        "The cases of the three splits are like those that the program will meet.",
        f"A change is kept at a confidence of {spec.keep.confidence:g}, over all looks together.",
    )
    return Section(
        title="Assumptions", message="What this rests on",
        blocks=(Bullets(items=told),), points=told,
    )  # fmt: skip


def _cost(head: EvolutionHead) -> Section:
    most = "" if head.usd_allowed is None else dollars(head.usd_allowed)
    money = ("money for models", dollars(head.usd_spent), most)
    rows = (
        ("rounds", str(head.rounds_done), str(head.rounds_allowed)),
        ("hours", f"{head.hours_spent:.2f}", f"{head.hours_allowed:g}"),
        ("tokens of models", f"{head.tokens_spent:,}", f"{head.tokens_allowed:,}"),
        *((money,) if head.usd_spent else ()),
    )
    return Section(
        title="What it cost",
        message=f"{head.rounds_done} rounds, {head.hours_spent:.2f} hours",
        blocks=(Table(head=("", "actual", "budget"), rows=rows),),
        points=tuple(f"{name.capitalize()}: {actual} of {most}" for name, actual, most in rows),
    )


def _unchecked(ledger: Ledger, evolution: Evolution) -> tuple[str, ...]:
    told = ["the words of this document, and what the numbers mean."]
    decided = {d.gate: d.by for d in ledger.decisions.of(evolution.id)}
    gates = [g for g in ledger.gates.of(evolution.id) if g.id in decided]
    for kind, what in (("plan", "the spec"), ("merge", "the changes themselves")):
        by = next((decided[g.id] for g in reversed(gates) if g.kind == kind), "")
        if by in ("", "--yes", "expired"):
            told.append(f"{what}: no person decided on it.")
    if evolution.sealed is None:
        told.append("whether it holds on cases that nobody has used yet.")
    return tuple(told)


def _gain(gain: Comparison | None) -> str:
    return gain_words(gain) if gain is not None else ""


def _few(points: Sequence[str]) -> tuple[str, ...]:
    """What a slide has room for."""
    if len(points) <= _MOST_POINTS:
        return tuple(points)
    kept = points[: _MOST_POINTS - 1]
    return (*kept, f"{len(points) - len(kept)} more are in the report.")
