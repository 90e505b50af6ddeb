"""Gathers a merge request's packet from the ledger: the same ledger gives the same packet."""

import asyncio
from collections.abc import Sequence
from typing import Any

from agents.description import Packet
from agents.merge_request import compared
from agents.trial_groups import (
    Group,
    confirmations,
    group_of,
    no_score_before,
    on_present_data,
)
from graphs.work import Work
from labcrew import beneath
from labcrew.domain.budget import Budget
from labcrew.domain.experiment import Score, Trial
from labcrew.domain.review import SmokeTest
from labcrew.domain.running import SUFFIXES
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EvidenceError, ToolError
from labcrew.ledger import Ledger
from labcrew.policy_changes import commit_message
from tools.facts import change_effect
from tools.make_change import (
    MakeChange,
    RenderSettings,
    file_style,
    make_change,
    render_settings,
)
from tools.plots import trials_svg
from tools.toolbox import Toolbox


def own_runs(trials: Sequence[Trial]) -> list[Trial]:
    """Scored runs of the program's own settings on its own data."""
    return [t for t in trials if t.kind == "baseline" and t.score is not None]


def holdout_of(ledger: Ledger, group: Group | None) -> tuple[Score, ...]:
    """One a seed, of those runs whose holdout was opened or read."""
    found = []
    for trial in group.counted if group else ():
        effect = ledger.effect(f"{trial.id}/holdout")
        if effect is not None and effect.result is not None:
            found.append(Score.model_validate(effect.result))
    return tuple(found)


def _fresh(
    assigned: AssignedTicket, trials: Sequence[Trial], group: Group | None
) -> tuple[Score, ...]:
    """One score for each fresh seed; none at all where one is missing: the rest could flatter."""
    by_seed = {t.seed: t.score for t in confirmations(trials, group) if t.score is not None}
    seeds = assigned.ticket.holdout_seeds
    return tuple(by_seed[seed] for seed in seeds) if set(seeds) <= set(by_seed) else ()


async def make_packet(
    work: Work, assigned: AssignedTicket, smoke: SmokeTest | None = None
) -> tuple[Packet, str]:
    """The packet and the commit of its change, which is made and landed if it was not yet.

    Raises:
        EvidenceError: there is no winner.
        ToolError: the change could not be made.
    """
    trials = work.trials(assigned.id)
    present = work.on_present_data(assigned, trials)
    baseline, best = group_of(trials, "baseline"), work.best(assigned, trials)
    patch = work.patch(assigned)
    if patch is None and (baseline is None or best is None):
        raise EvidenceError(f"{assigned.id} has no winner to propose.")
    cleaned = group_of(present, "cleaned_baseline")
    plan = work.plan(assigned)
    holdout_baseline, holdout_best = (holdout_of(work.ledger, g) for g in (baseline, best))
    fresh_baseline, fresh_best = (_fresh(assigned, present, g) for g in (baseline, best))
    if not fresh_baseline or not fresh_best:
        fresh_baseline, fresh_best = (), ()
    judged = (holdout_baseline, holdout_best) if holdout_best else (fresh_baseline, fresh_best)
    gain, verdict = compared(assigned, *judged)
    before = no_score_before(trials) if assigned.ticket.measured else ""
    if patch is not None and not assigned.ticket.measured:
        verdict = "tests_pass"
    elif before:
        verdict = "no_score_before"
    packet = Packet(
        assigned=assigned,
        plan=plan,
        trials=tuple(trials),
        incidents=tuple(work.ledger.incidents.of(assigned.id)),
        cards=work.cards(assigned.id),
        findings=tuple(work.ledger.findings.of(assigned.id)),
        quarantined=plan.quarantine if best is not None and best.data == "cleaned" else (),
        settings=best.values if best is not None else {},
        validation_baseline=_scores(baseline),
        validation_cleaned=_scores(cleaned),
        validation_best=_scores(best),
        holdout_baseline=holdout_baseline,
        holdout_best=holdout_best,
        fresh_baseline=fresh_baseline,
        fresh_best=fresh_best,
        no_score_before=before,
        gain=gain,
        verdict=verdict,
        changed_files=(),
        unplaced=(),
        comments=tuple(
            c for c in work.ledger.comments.of(assigned.id) if c.resolved_by_revision is not None
        ),
        paragraph="",
        smoke=smoke,
        patch=patch,
    )
    made = await _change(work, packet)
    # The budget as it stood when the request was opened: a person may change it at any time.
    budget = Budget.model_validate(made["budget"])
    packet = packet.model_copy(
        update={
            "assigned": assigned.model_copy(update={"budget": budget}),
            "changed_files": tuple(made["files"]),
            "unplaced": tuple(made["missing"]),
        }
    )
    paragraph = await _paragraph(work, packet)
    return packet.model_copy(update={"paragraph": paragraph}), str(made["commit"])


def _scores(group: Group | None) -> tuple[Score, ...]:
    return tuple(t.score for t in group.counted if t.score is not None) if group else ()


async def _paragraph(work: Work, packet: Packet) -> str:
    assigned = packet.assigned

    async def ask() -> dict[str, object]:
        return {"paragraph": await work.crew.merge_request.summarise(packet)}

    async def find() -> dict[str, object] | None:
        return None  # nothing outside the ledger changes; asking again is harmless

    kept = await work.ledger.once_async(
        f"{assigned.id}/r{assigned.revision}/paragraph", assigned.id, {}, ask, find
    )
    return str(kept["paragraph"])


async def _drawn(work: Work, packet: Packet) -> bytes:
    """The plot of the trials, kept among the ticket's artefacts."""
    plot = await asyncio.to_thread(
        trials_svg,
        packet.assigned.ticket.metric,
        on_present_data(packet.trials, packet.cards),
        [("baseline", packet.holdout_baseline), ("this change", packet.holdout_best)]
        if packet.holdout_best
        else [],
    )
    folder = work.bench.home.artefacts(packet.assigned.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trials.svg").write_bytes(plot)
    return plot


async def _change(work: Work, packet: Packet) -> dict[str, Any]:
    """Makes the change once a revision: {commit, files, missing, budget}, kept in the ledger."""
    assigned = packet.assigned
    tools = work.toolbox("merge_request", assigned, "change")

    async def make() -> dict[str, object]:
        if packet.patch is not None:
            return await _committed(work, packet, tools)
        edited, missing = await _edited(work, packet)
        plot = await _drawn(work, packet)
        place = f"experiments/{assigned.id}"
        records = list(work.crew.merge_request.records(packet, place, plot))
        if packet.quarantined:
            records += [
                OverlayFile(path=path, content=beneath.read(copy.parent, copy.name))
                for path, copy in sorted(work.delivered(assigned).items())
            ]
        landed = await tools.use(
            make_change,
            MakeChange(
                files=(*edited, *records),
                message=commit_message(assigned),
                editable=(*assigned.ticket.editable, f"{place}/**"),
                ref=f"refs/labcrew/{assigned.id}/r{assigned.revision}",
            ),
        )
        return {
            "commit": landed.commit,
            "files": list(landed.change.files),
            "missing": list(missing),
            "budget": assigned.budget.model_dump(mode="json"),
        }

    async def find() -> dict[str, object] | None:
        return None  # landing the same commit again does nothing: its dates are fixed

    return await work.ledger.once_async(change_effect(assigned), assigned.id, {}, make, find)


async def _committed(work: Work, packet: Packet, tools: Toolbox) -> dict[str, object]:
    """Commits a patch as its tests saw it, and nothing else."""
    assigned = packet.assigned
    assert packet.patch is not None
    landed = await tools.use(
        make_change,
        MakeChange(
            files=packet.patch.files,
            message=commit_message(assigned),
            editable=(*assigned.ticket.editable, f"experiments/{assigned.id}/**"),
            ref=f"refs/labcrew/{assigned.id}/r{assigned.revision}",
        ),
    )
    if packet.trials:
        await _drawn(work, packet)
    return {
        "commit": landed.commit,
        "files": list(landed.change.files),
        "missing": [],
        "budget": assigned.budget.model_dump(mode="json"),
    }


async def _edited(work: Work, packet: Packet) -> tuple[tuple[OverlayFile, ...], tuple[str, ...]]:
    """The settings file with the winner's values, and the parameters it has no place for."""
    assigned = packet.assigned
    settings = assigned.ticket.settings
    if settings.file is None or not packet.settings:
        return (), tuple(packet.settings)
    tools = work.toolbox("experiment_launcher", assigned, "winner")
    try:
        rendered = await tools.use(
            render_settings,
            RenderSettings(file=settings.file, values=packet.settings, style=file_style(settings)),
        )
    except ToolError:
        if settings.style in SUFFIXES:
            raise
        return (), tuple(packet.settings)
    if set(rendered.missing) == set(packet.settings):
        return (), rendered.missing
    return (rendered.file,), rendered.missing
