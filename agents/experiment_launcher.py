"""The experiment launcher: which trials to run next, within the budget.

The design is pure, but for Optuna; the settings that the sampler proposes in it may then be chosen
otherwise by a model.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from agents.budget_used import free_runs, spent
from agents.next_trial import NEXT_TRIAL, next_trial_question
from agents.sampler import asked, completed, fitted, study_of
from agents.trial_groups import (
    altered,
    best_group,
    confirmations,
    group_of,
    no_score_before,
    ranked,
)
from labcrew.domain.base import Model, canonical_json, content_hash
from labcrew.domain.experiment import Plan, Rescue, Trial, TrialKind
from labcrew.domain.search_space import Parameter, Values, applies, distance, legal
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Judge, shortened

NEAR = 0.02
"""Two settings closer than this on every axis (each scaled to [0, 1]) count as the same try."""
SAMPLED = "Optuna (TPE)"
"""Why a trial is run whose settings the sampler proposed."""
_FINALISTS = 2
_BY_MODEL = "model:"


class PastFailure(Model):
    """A recorded run that failed with certain settings, on the same code and data."""

    trial: str
    values: Values
    reason: str


def design_problems(
    assigned: AssignedTicket, known: Sequence[Trial], designed: Sequence[Trial]
) -> list[str]:
    """What is wrong with a design, before it is written down and run."""
    space, problems = assigned.ticket.search_space, []
    if spent([*known, *designed]) > max(assigned.budget.trials, spent(known)):
        problems.append(f"it takes more than the {assigned.budget.trials} runs of the budget")
    if len({t.id for t in (*known, *designed)}) != len(known) + len(designed):
        problems.append("it numbers a trial twice")
    for trial in designed:
        wrong = [n for n, v in trial.values.items() if n not in space or not legal(space[n], v)]
        if wrong:
            problems.append(f"{trial.id} sets {', '.join(wrong)} outside the search space")
        idle = [n for n in trial.values if n in space and not applies(space[n], trial.values)]
        if idle:
            problems.append(f"{trial.id} sets {', '.join(idle)} beside other choices")
    return problems


class ExperimentLauncher:
    """Designs trials: baseline, baseline on cleaned data, search by Optuna, finalists by seed, and
    at the end the baseline and the winner with fresh seeds.

    Args:
        judge: answers whether settings are tried in place of the sampler's.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def design(
        self,
        assigned: AssignedTicket,
        plan: Plan,
        trials: Sequence[Trial],
        failures: Sequence[PastFailure] = (),
        baselines: int = 1,
        code: str = "",
        earlier: Sequence[Trial] = (),
    ) -> tuple[Trial, ...]:
        """The next trials to run; empty when the design is complete or the budget is spent.

        A function of its arguments alone: the same history always gives the same trials.

        Args:
            trials: the ticket's trials so far, on the data that it has now.
            failures: runs that failed before on the same code and data, of any ticket.
            baselines: how often the baseline may be run while it has given no score.
            code: the hash of the patch that is to be measured; empty: settings are searched.
            earlier: its trials on data that was cleaned otherwise: they used up budget and numbers.
        """
        seeds, number = assigned.ticket.seeds, len(earlier) + len(trials)
        granted = assigned.budget.trials > assigned.ticket.budget.trials
        assigned = _after(assigned, earlier)
        maker = partial(_Maker, assigned, number)
        # Of what no hours were left for nothing is known: it is as if it had not been planned.
        trials = [trial for trial in trials if not trial.left_out]
        unconfirmed = tuple(self._confirmations(assigned, trials, maker(), code))
        everything = assigned.budget.trials - spent(trials)
        # Runs that only the last step may use; the baseline's and a winner's that may yet come.
        free = free_runs(trials)
        kept = 2 * len(assigned.ticket.holdout_seeds) - sum(
            t.kind == "confirmation" and t.id not in free and not (t.values or t.code)
            for t in trials
        )
        left = everything - max(0, kept)
        kinds = {trial.kind for trial in trials}
        make = maker()
        own = [trial for trial in trials if trial.kind == "baseline"]
        if not any(trial.score for trial in own):
            if sum(not trial.restarts for trial in own) < baselines * len(seeds):
                why, seeds = "the program as it is", seeds[: max(0, left)]
                return tuple(make("baseline", {}, seed, "original", why) for seed in seeds)
            if not code or not no_score_before(trials):
                return ()
            # With nothing to compare with, no run is kept for fresh seeds.
            return tuple(self._changed(assigned, trials, make, code, everything))
        if code:
            return tuple(self._changed(assigned, trials, make, code, left)) or (
                unconfirmed if len(unconfirmed) <= everything else ()
            )
        cleaned = bool(plan.quarantine)
        if cleaned and "cleaned_baseline" not in kinds and left > len(seeds):
            why = f"the program as it is, without {len(plan.quarantine)} quarantined rows"
            return tuple(make("cleaned_baseline", {}, s, "cleaned", why) for s in seeds)
        data = "cleaned" if cleaned else "original"
        reserve = self._reserve(assigned, trials)
        past = [*failures, *_failed([*earlier, *trials])]
        # What was kept for finalists is open to what people ask for once there were some.
        spare = left if "finalist" in kinds else left - reserve
        suggested = tuple(self._suggested(assigned, plan, trials, past, make, data, spare))
        if any(trial.status == "planned" for trial in suggested):
            return suggested
        # A search that had its finalists goes on with what a person gave.
        searching = "finalist" not in kinds or granted
        if searching and left > reserve and not self._target_met(assigned, trials):
            count = min(assigned.budget.parallel, left - reserve)
            found = tuple(self._search(assigned, trials, past, make, data, count))
            if any(trial.status == "planned" for trial in found):
                return (*suggested, *found)
        finalists = tuple(self._finalists(assigned, trials, maker(), data, left))
        if finalists or len(unconfirmed) > everything:
            return finalists
        return unconfirmed

    def _changed(
        self,
        assigned: AssignedTicket,
        trials: Sequence[Trial],
        make: "_Maker",
        code: str,
        left: int,
    ) -> Iterator[Trial]:
        """The seeds that a patch has not been run with."""
        known = {t.seed for t in trials if t.kind == "changed" and t.code == code}
        for seed in [s for s in assigned.ticket.seeds if s not in known][: max(0, left)]:
            yield make("changed", {}, seed, "original", "the program with the patch", code=code)

    def _reserve(self, assigned: AssignedTicket, trials: Sequence[Trial]) -> int:
        """Runs kept for the finalists' other seeds; none where not even one can be completed."""
        more = len(assigned.ticket.seeds) - 1
        own = sum(t.kind in ("baseline", "cleaned_baseline") for t in trials)
        budget = assigned.budget.trials - 2 * len(assigned.ticket.holdout_seeds)
        room = budget - own
        if room < 1 + more:
            return 0
        two = budget >= 8 * max(1, more) and room >= _FINALISTS * (1 + more)
        return more * (_FINALISTS if two else 1)

    def _confirmations(
        self,
        assigned: AssignedTicket,
        trials: Sequence[Trial],
        make: "_Maker",
        code: str = "",
    ) -> Iterator[Trial]:
        """The fresh seeds that the baseline and the winner have not been run with."""
        baseline, best = group_of(trials, "baseline"), best_group(assigned, trials, code)
        if baseline is None or best is None:
            return
        for group, whose in ((baseline, "the program as it is"), (best, "")):
            known = {t.seed for t in confirmations(trials, group)}
            why = f"{whose or group.trials[0].id} with a fresh seed; nothing is chosen by it"
            for seed in assigned.ticket.holdout_seeds:
                if seed not in known:
                    yield make("confirmation", group.values, seed, group.data, why, code=group.code)

    def _target_met(self, assigned: AssignedTicket, trials: Sequence[Trial]) -> bool:
        metric = assigned.ticket.metric
        best = ranked(metric, [t for t in trials if t.kind in ("search", "restart")], 1)
        if metric.target is None or not best:
            return False
        return not metric.better(metric.target, best[0].mean)

    def _suggested(
        self,
        assigned: AssignedTicket,
        plan: Plan,
        trials: Sequence[Trial],
        past: Sequence[PastFailure],
        make: "_Maker",
        data: str,
        left: int,
    ) -> Iterator[Trial]:
        """The plan's suggestions that were not tried yet; a person's own is tried in any case."""
        space = assigned.ticket.search_space
        tried = {canonical_json(t.values) for t in trials}
        for suggestion in plan.suggestions:
            complete = completed(space, suggestion.values, content_hash(suggestion))
            if left <= 0 or canonical_json(complete) in tried:
                continue
            tried.add(canonical_json(complete))
            seed, repeated = assigned.ticket.seeds[0], _near(space, past, complete)
            if repeated is not None and suggestion.finding:
                yield make("search", complete, seed, data, *_not_run(repeated), skipped=True)
                continue
            left -= 1
            yield make("search", complete, seed, data, suggestion.because, suggestion.finding)

    def _search(
        self,
        assigned: AssignedTicket,
        trials: Sequence[Trial],
        past: Sequence[PastFailure],
        make: "_Maker",
        data: str,
        count: int,
    ) -> Iterator[Trial]:
        """Settings from Optuna; those close to a recorded failure are cited, not run.

        Settings that were run already give nothing new with the same seed: they are asked past.
        """
        space, seed = assigned.ticket.search_space, assigned.ticket.seeds[0]
        study = study_of(
            assigned,
            [
                t
                for t in trials
                if t.kind in ("search", "restart")
                and not altered(t.rescue)
                and t.id not in cured(trials)
            ],
        )
        known = {canonical_json(t.values) for t in trials if t.data == data}
        # A space whose every neighbourhood has failed would be asked for ever.
        for _ in range(20 * count):
            values = asked(study, space)
            if canonical_json(values) in known:
                continue
            known.add(canonical_json(values))
            repeated = _near(space, past, values)
            if repeated is not None:
                yield make("search", values, seed, data, *_not_run(repeated), skipped=True)
                continue
            yield make("search", values, seed, data, SAMPLED)
            count -= 1
            if count == 0:
                return

    def _finalists(
        self,
        assigned: AssignedTicket,
        trials: Sequence[Trial],
        make: "_Maker",
        data: str,
        left: int,
    ) -> Iterator[Trial]:
        """The missing seeds of the best two; settings that failed with a seed are passed over, and
        so are those that had theirs before the search went on.
        """
        chosen, went_on = 0, _went_on(trials)
        # A baseline that was started again with more memory is no candidate: it sets nothing.
        searched = [
            t for t in trials if t.kind in ("search", "restart") and t.data == data and t.values
        ]
        for group in ranked(assigned.ticket.metric, searched, 1):
            known = [
                t
                for t in trials
                if t.kind != "confirmation"
                and not altered(t.rescue)
                and t.values == group.values
                and t.data == data
            ]
            scored = {t.seed for t in known if t.score is not None}
            if {t.seed for t in known} - scored:
                continue
            missing = [s for s in assigned.ticket.seeds if s not in scored]
            if not missing and max(t.number for t in known) < went_on:
                continue
            if len(missing) > left:
                return
            left -= len(missing)
            for seed in missing:
                first = group.trials[0].id
                yield make("finalist", group.values, seed, data, f"{first} with another seed")
            chosen += 1
            if chosen == _FINALISTS:
                return

    async def choose(
        self,
        assigned: AssignedTicket,
        trials: Sequence[Trial],
        designed: Sequence[Trial],
        failures: Sequence[PastFailure] = (),
        earlier: Sequence[Trial] = (),
    ) -> tuple[Trial, ...]:
        """The design, in which a model may have put other settings for some that were sampled.

        How many trials there are, their kinds, seeds and data stay the design's; and at least every
        other sampled trial stays the sampler's, so that a model that is wrong costs half a search.

        Args:
            trials: as `design` was given them, as are `failures` and `earlier`.
        """
        assigned = _after(assigned, earlier)
        space, chosen = assigned.ticket.search_space, list(designed)
        past = [*failures, *_failed([*earlier, *trials])]
        for place, trial in enumerate(designed):
            sampled = trial.status == "planned" and trial.because == SAMPLED
            if not sampled or not _models_turn([*trials, *chosen[:place]]):
                continue
            others = [*trials, *chosen[:place], *chosen[place + 1 :]]
            question = next_trial_question(
                assigned,
                others,
                [failure.values for failure in past],
                trial,
                runs_left=assigned.budget.trials - spent(others),
                near=NEAR,
            )
            verdict = await self._judge.ask(NEXT_TRIAL, question)
            values = fitted(space, verdict.answer.values)
            # The judgement's own check knows what the question shows; of a long search not all.
            known = {
                canonical_json(t.values) for t in others if t.data == trial.data and not t.left_out
            }
            repeats = canonical_json(values) in known or _near(space, past, values) is not None
            if verdict.by == "rule" or repeats:
                continue
            because = f"{verdict.by}: {shortened(verdict.answer.because)}"
            chosen[place] = trial.model_copy(update={"values": values, "because": because})
        return tuple(chosen)

    def restart(
        self,
        assigned: AssignedTicket,
        trials: Sequence[Trial],
        of: Trial,
        values: Values,
        memory_mb: int,
        rescue: Rescue,
        why: str,
    ) -> Trial:
        """A trial that starts a stopped one again, with changed values, memory or means.

        With the same values it is the same kind of trial: a baseline stays a baseline.
        """
        same = (values == of.values or of.kind == "confirmation") and not altered(rescue)
        kind: TrialKind = of.kind if same else "restart"
        made = _Maker(assigned, len(trials))(kind, values, of.seed, of.data, why)
        return made.model_copy(
            update={
                "restarts": of.id,
                "memory_mb": memory_mb,
                "rescue": rescue,
                "code": of.code,
            }
        )


def _after(assigned: AssignedTicket, earlier: Sequence[Trial]) -> AssignedTicket:
    """The ticket with the runs of its budget that earlier trials have left."""
    left = {"trials": assigned.budget.trials - spent(earlier)}
    return assigned.model_copy(update={"budget": assigned.budget.model_copy(update=left)})


class _Maker:
    """Numbers trials on from the last one."""

    def __init__(self, assigned: AssignedTicket, known: int) -> None:
        self._assigned, self._next = assigned, known

    def __call__(
        self,
        kind: TrialKind,
        values: Values,
        seed: int,
        data: str,
        because: str,
        cites: str = "",
        *,
        skipped: bool = False,
        code: str = "",
    ) -> Trial:
        number = self._next
        self._next += 1
        return Trial(
            id=f"{self._assigned.id}-{number:03d}",
            ticket=self._assigned.id,
            number=number,
            kind=kind,
            values=values,
            seed=seed,
            data="cleaned" if data == "cleaned" else "original",
            code=code,
            because=because,
            cites=cites,
            memory_mb=self._assigned.budget.memory_mb,
            status="skipped" if skipped else "planned",
        )


def cured(trials: Sequence[Trial]) -> frozenset[str]:
    """Runs that went well when they were started again as they were: no fault of their settings."""
    by_id = {t.id: t for t in trials}
    return frozenset(
        t.restarts
        for t in trials
        if t.score is not None
        and not altered(t.rescue)
        and (of := by_id.get(t.restarts)) is not None
        and of.values == t.values
    )


def _failed(trials: Sequence[Trial]) -> list[PastFailure]:
    well = cured(trials)
    return [
        PastFailure(trial=t.id, values=t.values, reason=t.result.reason if t.result else t.status)
        for t in trials
        if t.status in ("failed", "stopped")
        and t.values
        and t.kind != "confirmation"
        and t.id not in well
    ]


def _went_on(trials: Sequence[Trial]) -> int:
    """The newest sampled run that came after finalists, by its number; 0 where none did."""
    first = min((t.number for t in trials if t.kind == "finalist"), default=None)
    if first is None:
        return 0
    return max((t.number for t in trials if t.number > first and _sampled(t)), default=0)


def _sampled(trial: Trial) -> bool:
    """Whether the sampler proposed a run's settings, or a model in its place."""
    return trial.kind == "search" and trial.because.startswith((SAMPLED, _BY_MODEL))


def _models_turn(before: Sequence[Trial]) -> bool:
    """Whether a model chose fewer settings than the sampler did, so far."""
    searched = [t.because for t in before if t.kind == "search"]
    return sum(why.startswith(_BY_MODEL) for why in searched) < searched.count(SAMPLED)


def _near(
    space: dict[str, Parameter], past: Sequence[PastFailure], values: Values
) -> PastFailure | None:
    return next((f for f in past if distance(space, f.values, values) <= NEAR), None)


def _not_run(repeated: PastFailure) -> tuple[str, str]:
    """Why a trial is skipped, and the failed run that it cites."""
    return f"not run: {repeated.trial} ended so before ({repeated.reason})", repeated.trial
