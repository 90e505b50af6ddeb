"""A loop's report as Markdown: what was asked, tried, kept and found, and what that rests on."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from agents.evolution.keeping.scope import bounds_told
from desk import report_sections as sections
from desk.views.evolution_changes import Step, patches_of, steps_of
from desk.views.evolutions import EvolutionHead, gain_words, head_of
from desk.wording import dollars
from labcrew.domain.evolution import Evolution, Round
from labcrew.evidence import as_code, as_text, table
from labcrew.ledger import Ledger
from sandboxes.text import clean

_MOST_LINES = 400
_TICKS = re.compile("`+")


def loop_report(ledger: Ledger, evolution: Evolution) -> str:
    """The report of a loop as the ledger has it now.

    Text that came from models, runs, scorers or people is escaped: it can't become markup.
    """
    head, rounds = head_of(ledger, evolution), ledger.rounds.of(evolution.id)
    parts = [
        f"# {evolution.id}: {as_text(evolution.spec.title)}",
        _standing(head, rounds),
        *sections.needs(ledger, evolution.id),
        *_asked(evolution),
        *_noise(evolution),
        *_rounds(evolution, rounds),
        *_kept(ledger, evolution),
        *_sealed(evolution),
        *sections.merge_requests(ledger, evolution.id),
        *_cost(head, rounds),
        *sections.network(ledger, evolution.id),
        *sections.models(ledger, evolution.id),
        *sections.decisions(ledger, evolution.id),
    ]
    return clean("\n\n".join(parts)) + "\n"


def notes(rounds: Sequence[Round]) -> str:
    """What each round learnt, and what was wrong with its own reasoning, as Markdown."""
    parts = ["# Notes of the rounds"]
    for round_ in rounds:
        title = f": {as_text(round_.proposal.title)}" if round_.proposal is not None else ""
        parts.append(f"## Round {round_.number}, {round_.verdict or round_.status}{title}")
        if round_.proposal is not None and round_.proposal.rationale:
            parts.append(f"Why it was tried: {as_text(round_.proposal.rationale, 4000)}")
        if round_.note:
            parts.append(as_text(round_.note, 4000))
        if round_.criticism:
            parts.append(f"Self-criticism: {as_text(round_.criticism, 4000)}")
    return clean("\n\n".join(parts)) + "\n"


def _standing(head: EvolutionHead, rounds: Sequence[Round]) -> str:
    outcome = f": {as_text(head.outcome)}" if head.outcome else ""
    control = f" A control: {head.control.replace('_', ' ')}." if head.control else ""
    verdicts = Counter(r.verdict for r in rounds if r.verdict is not None)
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    return (
        f"**{head.status.capitalize()}**{outcome}. {head.rounds_done} of {head.rounds_allowed}"
        f" rounds used{f' ({told})' if told else ''}; started {head.started_at[:16]} by"
        f" {as_text(head.started_by)}.{control}"
    )


def _asked(evolution: Evolution) -> Iterator[str]:
    spec, scale = evolution.spec, evolution.scale
    yield "## What was asked"
    if spec.question:
        yield "\n".join(f"> {as_text(line, 2000)}" for line in spec.question.split("\n")[:60])
    goal = "higher" if scale.direction == "maximize" else "lower"
    target = f", target {scale.target:g}" if scale.target is not None else ""
    editable = ", ".join(as_code(path) for path in (*spec.editable, *evolution.widened))
    private = ", ".join(as_code(path) for path in (*spec.scorer.private, spec.cases))
    yield "\n".join(
        [
            f"- Measure: {as_text(scale.name)}, from {scale.low:g} to {scale.high:g} ({goal} is"
            f" better{target})",
            f"- Repository: `{evolution.repository}` at commit `{evolution.base_commit[:12]}`",
            f"- Program: {as_code(spec.program.command)}",
            f"- Scorer: {as_code(spec.scorer.command)}",
            f"- May be changed: {editable}",
            f"- Seen by no candidate: {private}",
        ]
    )


def _noise(evolution: Evolution) -> Iterator[str]:
    noise = evolution.noise
    if noise is None:
        return
    yield "## What chance alone does"
    yield (
        f"The program as it was, against itself over {noise.pairs} pairs of case and seed: mean"
        f" {noise.mean:.4g}; a pair differs by {noise.std:.4g} (standard deviation);"
        f" {noise.seen}."
    )


def _rounds(evolution: Evolution, rounds: Sequence[Round]) -> Iterator[str]:
    if not rounds:
        return
    yield "## Rounds"
    yield table(
        ["round", "change", "proposer", "verdict", as_text(evolution.scale.name), "gain", "why"],
        [_row(round_) for round_ in rounds[: sections.MOST_ROWS]],
    )
    if len(rounds) > sections.MOST_ROWS:
        yield f"{len(rounds) - sections.MOST_ROWS} more are in the ledger."


def _row(round_: Round) -> Sequence[str]:
    proposal, gain = round_.proposal, round_.retest or round_.first
    return [
        str(round_.number),
        as_text(proposal.title) if proposal else "",
        as_text(proposal.proposer) if proposal else "",
        round_.verdict or f"under way: {round_.status}",
        "" if round_.score is None else f"{round_.score:.4g}",
        gain_words(gain) if gain else "",
        as_text(round_.reason, 120),
    ]


def _kept(ledger: Ledger, evolution: Evolution) -> Iterator[str]:
    steps = steps_of(ledger, evolution)
    if not steps:
        return
    patches = patches_of(ledger, evolution)
    yield "## What was kept"
    for step in steps:
        yield f"### Round {step.number}: {as_text(step.title)}"
        yield _step(step)
        yield _code(patches[step.number])


def _step(step: Step) -> str:
    lines = [f"- By {as_text(step.proposer)}; lines: +{step.insertions}, -{step.deletions}"]
    if step.rationale:
        lines.append(f"- Why it was tried: {as_text(step.rationale, 2000)}")
    if step.gain is not None:
        lines.append(f"- Gain when it was kept: {gain_words(step.gain)}")
    if step.left_out is not None:
        lines.append(f"- Gain at the end, by leaving it out: {gain_words(step.left_out)}")
    elif step.weighed:
        lines.append("- It can't be left out alone: later changes rest on it.")
    return "\n".join(lines)


def _code(patch: str) -> str:
    """A patch as a code block that nothing in it can end."""
    lines = patch.removesuffix("\n").split("\n")
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more lines"]
    text = "\n".join(lines)
    ticks = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{ticks}diff\n{text}\n{ticks}"


def _sealed(evolution: Evolution) -> Iterator[str]:
    sealed = evolution.sealed
    if sealed is None:
        return
    relative = f", {sealed.relative:+.1%} of the baseline" if sealed.relative is not None else ""
    optimism = evolution.scale.gain(sealed.hindsight, sealed.final)
    yield "## The sealed split, opened once"
    yield table(
        ["baseline", "chosen by the gate", "gain, interval and confidence", "best of those opened"],
        [
            [
                f"{sealed.baseline:.4g}",
                f"{sealed.final:.4g}",
                f"{gain_words(sealed.comparison)}{relative}",
                f"{sealed.hindsight:.4g}, {optimism:.4g} better than the one chosen",
            ]
        ],
    )
    sure = "is" if sealed.comparison.low > 0 else "is not"
    cases = sealed.comparison.pairs // sealed.seeds
    steady = evolution.noise is not None and evolution.noise.deterministic
    yield (
        f"{sealed.comparison.pairs} pairs of case and seed, {sealed.seeds} seeds, {sealed.opened}"
        f" programs opened: the baseline, what was kept, and the best by the gate of what was not."
        " Of all rounds, hindsight would have claimed as much at least. The lower bound"
        f" {sure} above zero. {bounds_told(evolution.spec.keep, cases, deterministic=steady)}"
    )


def _cost(head: EvolutionHead, rounds: Sequence[Round]) -> Iterator[str]:
    seconds, own = (sum(v) for v in ([r.seconds for r in rounds], [r.own_seconds for r in rounds]))
    most = "" if head.usd_allowed is None else dollars(head.usd_allowed)
    money = [["money for models", dollars(head.usd_spent), most]]
    yield "## What it took"
    yield table(
        ["", "actual", "budget"],
        [
            ["rounds", str(head.rounds_done), str(head.rounds_allowed)],
            ["hours", f"{head.hours_spent:.2f}", f"{head.hours_allowed:g}"],
            ["hours of evaluation in rounds", f"{seconds / 3600:.2f}", ""],
            ["hours of all else in rounds", f"{own / 3600:.2f}", ""],
            ["tokens of models in rounds", f"{head.tokens_spent:,}", f"{head.tokens_allowed:,}"],
            *(money if head.usd_spent else []),
        ],
    )
