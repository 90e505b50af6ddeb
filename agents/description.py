"""The words of a merge request: a Markdown template written from records, numbers by reference."""

from collections import Counter
from collections.abc import Iterator, Sequence

from agents.code_description import code
from agents.trial_groups import CLEANED_OTHERWISE, NOT_COMPARED, data_seen
from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident, Plan, Score, Trial
from labcrew.domain.programming import Patch
from labcrew.domain.research import DatasetCard, Finding, QuarantinedRow
from labcrew.domain.review import Comment, SmokeTest, Verdict
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import as_code, as_text, table

_MOST_TRIALS, _MOST_INCIDENTS = 60, 60


class Packet(Model):
    """All that a merge request rests on, as the ledger has it."""

    assigned: AssignedTicket
    plan: Plan
    trials: tuple[Trial, ...]
    incidents: tuple[Incident, ...]
    cards: tuple[DatasetCard, ...]
    findings: tuple[Finding, ...]
    quarantined: tuple[QuarantinedRow, ...]
    settings: Values
    validation_baseline: tuple[Score, ...]
    validation_cleaned: tuple[Score, ...]
    validation_best: tuple[Score, ...]
    holdout_baseline: tuple[Score, ...]
    holdout_best: tuple[Score, ...]
    fresh_baseline: tuple[Score, ...] = ()
    fresh_best: tuple[Score, ...] = ()
    no_score_before: str = ""
    gain: float | None
    verdict: Verdict
    changed_files: tuple[str, ...]
    unplaced: tuple[str, ...]
    comments: tuple[Comment, ...]
    paragraph: str
    smoke: SmokeTest | None
    patch: Patch | None = None


def write(packet: Packet) -> str:
    """The description's template; the same packet always gives the same text."""
    sections = [
        packet.paragraph,
        *code(packet.patch),
        *_results(packet),
        *_doubts(packet),
        *_change(packet),
        *_trials(packet),
        *_failures(packet),
        *_data(packet),
        *_sources(packet),
        *_smoke(packet),
        *_comments(packet),
        *_cost(packet),
        *_check(packet),
    ]
    return "\n\n".join(sections) + "\n"


def spelt(values: Values) -> str:
    """Settings in one cell."""
    if not values:
        return "as it is"
    return ", ".join(f"{as_text(k)} = {as_text(str(v))}" for k, v in sorted(values.items()))


def _measured(packet: Packet, scores: Sequence[Score]) -> str:
    return "score" if all(s.source == "evaluator" for s in scores) else "reported, not verified"


def _results(packet: Packet) -> Iterator[str]:
    if not packet.validation_best:
        return
    metric = packet.assigned.ticket.metric
    arrow = "higher" if metric.direction == "maximize" else "lower"
    yield "## Result"
    rows, compared = [], []
    for split, baseline, best in (
        ("validation", packet.validation_baseline, packet.validation_best),
        ("holdout", packet.holdout_baseline, packet.holdout_best),
        ("fresh", packet.fresh_baseline, packet.fresh_best),
    ):
        if best and packet.no_score_before:
            mean = _mean(f"{split}_best", best)
            rows.append([split, "no score", mean, "-", _measured(packet, best)])
        if not best or not baseline:
            continue
        compared.append((best, baseline))
        spread = len(best) > 1 and len(baseline) > 1
        gain = f"{{{{{split}_gain}}}}"
        if spread:
            gain += f" [{{{{{split}_gain_low}}}}, {{{{{split}_gain_high}}}}]"
        rows.append(
            [
                "fresh seeds" if split == "fresh" else split,
                _mean(f"{split}_baseline", baseline),
                _mean(f"{split}_best", best),
                gain,
                _measured(packet, (*baseline, *best)),
            ]
        )
    name = as_text(metric.name)
    yield table(
        [f"{name} ({arrow} is better)", "baseline", "this change", "gain [95%]", "number is"], rows
    )
    seeds = ", ".join(map(str, packet.assigned.ticket.seeds))
    note = f"Mean ± standard deviation over seeds {seeds}"
    note += "; the interval is Welch's." if compared else "."
    note += "".join(_lacking(packet))
    if any(len(s) > 1 and _alike(s) and _alike(o) for s, o in compared):
        note += (
            " An interval of no width says that the seeds change nothing, and no more: how far"
            " other rows of data would move the numbers is not in it."
        )
    if packet.holdout_best:
        note += f" The change was chosen on validation; {opened(packet.assigned.revision)}."
    yield note
    if packet.no_score_before:
        count = len(packet.validation_best)
        yield (
            f"**Before: no score.** The program as it is gave none:"
            f" {as_text(packet.no_score_before)}. So no gain is claimed, however good the numbers"
            f" are: what they show is that the changed program runs, with {count} {_seeds(count)}."
        )
    yield from _last_numbers(packet)
    if packet.validation_cleaned:
        yield (
            "Cleaning alone, with the program's own settings: validation"
            f" {_mean('validation_cleaned', packet.validation_cleaned)}."
        )


def _mean(name: str, scores: Sequence[Score]) -> str:
    spread = f" ± {{{{{name}_std}}}}" if len(scores) > 1 else ""
    return f"{{{{{name}_mean}}}}{spread}"


def _lacking(packet: Packet) -> Iterator[str]:
    """What says which means are over fewer seeds than the ticket names."""
    wanted = set(packet.assigned.ticket.seeds)
    for whose, scores in (
        ("The baseline's validation", packet.validation_baseline),
        ("This change's validation", packet.validation_best),
        ("Cleaning alone", packet.validation_cleaned),
        ("The baseline's holdout", packet.holdout_baseline),
        ("This change's holdout", packet.holdout_best),
    ):
        given = {score.seed for score in scores}
        if scores and wanted - given:
            seeds = ", ".join(map(str, sorted(given)))
            yield f" {whose} is over {_seeds(len(given))} {seeds} alone: others gave no score."


def _seeds(count: int) -> str:
    return "seed" if count == 1 else "seeds"


def _alike(scores: Sequence[Score]) -> bool:
    return len({score.value for score in scores}) == 1


def _last_numbers(packet: Packet) -> Iterator[str]:
    """Who made the scores; whence the numbers come that nothing was chosen by, or why none."""
    ticket, revision = packet.assigned.ticket, packet.assigned.revision
    if ticket.evaluator is not None and ticket.evaluator.files:
        names = ", ".join(as_code(path) for path in ticket.evaluator.files)
        yield (
            f"Scores are made by {names}, which the ticket brought and the plan gate showed; the"
            " repository has no such evaluator, and no trial saw it."
        )
    reported = ticket.metric.holdout
    if reported is not None and packet.holdout_best:
        yield (
            f"Holdout is {as_text(reported.name)} as the same runs report it of themselves; it was"
            " read for this table alone."
        )
    elif reported is not None:
        yield (
            f"Not every run of the baseline and of this change shows {as_text(reported.name)}, so"
            " no holdout is given."
        )
    if not ticket.holdout_seeds:
        return
    seeds = ", ".join(map(str, ticket.holdout_seeds))
    if packet.no_score_before:
        yield f"The fresh seeds {seeds} were not run: there is no score before to compare with."
    elif packet.fresh_best:
        yield (
            f"Fresh seeds are {seeds}: the program as it is and this change ran with them after the"
            " choice was made, on the same data as validation. They guard against lucky seeds, not"
            " against settings that fit this data alone."
            + f" {opened(revision, 'The comparison with them was made')}."
            * (revision > 0)
        )
    else:
        yield f"Not every run with the fresh seeds {seeds} gave a score, so their gain isn't given."


def _doubts(packet: Packet) -> Iterator[str]:
    doubts = packet.assigned.ticket.doubts
    if not doubts:
        return
    yield "## Guessed, not confirmed"
    yield (
        "These fields were guessed when the ticket was drafted, and no person has confirmed them:"
        " look at them before you merge."
    )
    yield table(
        ["field", "how sure", "why"],
        [[as_text(d.field), f"{d.confidence:.0%}", as_text(d.because, 400)] for d in doubts],
    )


def opened(revision: int, what: str = "the holdout was opened") -> str:
    """How unseen the last numbers still are: people steer a revision by what they saw of them.

    Args:
        what: was done to have them.
    """
    if revision == 0:
        return f"{what} once, for this table"
    return (
        f"{what} in {revision + 1} revisions, so it is no longer unseen: people read its numbers"
        " in between"
    )


def _change(packet: Packet) -> Iterator[str]:
    yield "## What changes"
    if packet.settings:
        yield table(
            ["setting", "value"],
            [[as_text(k), as_text(str(v))] for k, v in sorted(packet.settings.items())],
        )
    if packet.changed_files:
        yield "Files: " + ", ".join(as_code(path) for path in packet.changed_files) + "."
    if packet.unplaced:
        names = ", ".join(as_text(name) for name in packet.unplaced)
        yield (
            f"No default of {names} was found to rewrite: pass them when running, as in"
            " `settings.json`."
        )


def _outcome(trial: Trial) -> str:
    if trial.score is not None:
        mark = " (reported)" if trial.score.source == "reported" else ""
        return f"{{{{t{trial.number}}}}}{mark}"
    if trial.result is not None:
        return f"{trial.status}: {as_text(trial.result.reason, 120)}"
    return f"{trial.status}: {as_text(trial.because, 120)}" if trial.because else trial.status


def _trials(packet: Packet) -> Iterator[str]:
    if not packet.trials:
        return
    shown = packet.trials[:_MOST_TRIALS]
    seen = data_seen(packet.trials, packet.cards)
    yield "## Trials"
    yield table(
        ["trial", "kind", "settings", "data", "seed", "validation"],
        [
            [
                t.id,
                t.kind.replace("_", " "),
                spelt(t.values),
                seen[t.id],
                str(t.seed),
                _outcome(t),
            ]
            for t in shown
        ],
    )
    if len(packet.trials) > len(shown):
        yield f"{len(packet.trials) - len(shown)} more are in the ledger."
    if CLEANED_OTHERWISE in seen.values():
        yield NOT_COMPARED


def _failures(packet: Packet) -> Iterator[str]:
    repeats = [t for t in packet.trials if t.status == "skipped" and not t.left_out]
    left_out = [t for t in packet.trials if t.left_out]
    incidents = [i for i in packet.incidents if not (i.intervention and i.intervention.part_of)]
    if not incidents and not repeats and not left_out:
        return
    yield "## What went wrong on the way"
    if incidents:
        yield table(
            ["trial", "incident", "diagnosis", "done", "helped"],
            [
                [
                    i.trial,
                    i.kind.replace("_", " "),
                    as_text(i.diagnosis, 160),
                    _done(i),
                    _helped(i),
                ]
                for i in incidents[:_MOST_INCIDENTS]
            ],
        )
    if len(incidents) > _MOST_INCIDENTS:
        yield f"{len(incidents) - _MOST_INCIDENTS} more are in the ledger."
    if repeats:
        yield f"{len(repeats)} near-repeats of failed runs were not run again: " + ", ".join(
            f"{t.id} (see {as_text(t.cites)})" for t in repeats
        )
    if left_out:
        yield (
            f"{len(left_out)} planned runs were not run, since the hours were spent: "
            + ", ".join(t.id for t in left_out)
        )


def _done(incident: Incident) -> str:
    action = incident.intervention
    if action is None:
        return "stopped"
    into = f" as {action.new_trial}" if action.new_trial else ""
    return action.action.replace("_", " ") + into


def _helped(incident: Incident) -> str:
    action = incident.intervention
    if action is None or action.helped is None:
        return "-"
    return "yes" if action.helped else "no"


def _data(packet: Packet) -> Iterator[str]:
    if not packet.cards:
        return
    yield "## Data"
    yield table(
        ["file", "split", "rows", "SHA-256", "cleaned copy"],
        [
            [
                as_code(c.path),
                c.split,
                str(c.rows) if c.read else "not read",
                f"`{c.sha256[:12]}`",
                f"{c.cleaned_rows} rows, `{c.cleaned_sha256[:12]}`" if c.cleaned_sha256 else "-",
            ]
            for c in packet.cards
        ],
    )
    if packet.quarantined:
        counted = Counter(row.check for row in packet.quarantined)
        what = ", ".join(f"{n} {check.replace('_', ' ')}" for check, n in sorted(counted.items()))
        yield (
            f"{len(packet.quarantined)} training rows were left out ({what}); `quarantine.csv` on"
            " the branch lists them with their reasons."
        )
        apart = sorted({row.path for row in packet.quarantined} - set(packet.changed_files))
        if apart:
            yield (
                f"**The branch does not hold a cleaned {', '.join(as_code(p) for p in apart)}.**"
                " All numbers of this change, the smoke test's too, were measured with those rows"
                " left out; to have them without labcrew, leave the rows out yourself. A ticket"
                " that names the file in `editable` gets the cleaned copy committed."
            )
        else:
            yield "The cleaned copy is part of this change."
    faults = [fault for card in packet.cards for fault in card.faults]
    if faults:
        yield table(
            ["check", "file", "rows", "finding"],
            [
                [as_text(f.check), as_code(f.path), str(f.rows), as_text(f.detail, 160)]
                for f in faults[:20]
            ],
        )


def _sources(packet: Packet) -> Iterator[str]:
    used = {s.finding for s in packet.plan.suggestions}
    cited = [f for f in packet.findings if f.id in used] or list(packet.findings[:5])
    if not cited:
        return
    yield "## Sources"
    yield "\n".join(
        f"- “{as_text(f.claim)}” — {as_text(f.citation.title)}"
        f" ({as_text(f.citation.locator)}; {f.citation.verification.replace('_', ' ')})"
        for f in cited[:12]
    )


def _smoke(packet: Packet) -> Iterator[str]:
    yield "## Smoke test"
    if packet.smoke is None:
        yield "Not run yet."
        return
    state = "passed" if packet.smoke.passed else "**failed**"
    command = as_code(packet.smoke.command, 2000)
    detail = as_text(packet.smoke.detail, 400)
    yield f"{command} on this commit, in a fresh sandbox: {state}. {detail}"


def _comments(packet: Packet) -> Iterator[str]:
    if packet.comments:
        yield "## Comments turned into work"
        yield "\n".join(f"- From {as_text(c.by)}: {as_text(c.text, 500)}" for c in packet.comments)


def _cost(packet: Packet) -> Iterator[str]:
    done = [t.result.duration_s for t in packet.trials if t.result is not None]
    hours = sum(done) / 3600
    cost = hours * packet.assigned.budget.usd_per_hour
    predicted = packet.plan.forecast
    yield "## Cost"
    yield (
        f"{len(done)} runs of {packet.assigned.budget.trials} allowed, {sum(done):.0f} s of running"
        f" time, {cost:.2f} USD. Forecast: {predicted.trials} runs, {predicted.hours:g} h,"
        f" {predicted.cost_usd:.2f} USD ({as_text(predicted.basis)})."
    )


def _check(packet: Packet) -> Iterator[str]:
    revision = packet.assigned.revision
    yield "## Check it"
    yield (
        f"`labcrew mr verify {packet.assigned.id}-MR{revision}` computes every number again from"
        " the stored outputs; `--rerun` runs the winner again."
        + (
            " The tests are run again too, on the base commit and on this change."
            if packet.patch is not None
            else ""
        )
    )
