"""Plain Optuna beside the crew at equal budget: `python -m evals.optuna_control TICKET.md`.

The same runs, search space, sandbox, time limit, evaluator and seeds as the crew's; no literature,
no data cleaning, no monitoring. TPE chooses on one seed's validation value for all but the last
(seeds - 1) runs; the best settings then run with the other seeds, and the holdout is opened once.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from agents.sampler import suggested
from labcrew.domain.base import Model
from labcrew.domain.experiment import Trial
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import InputError, LabcrewError, ToolError
from labcrew.ticket_file import read_ticket
from tools.beginnings import beginning
from tools.evaluate import EvaluateOutputs, evaluate_outputs
from tools.make_change import render_settings, settings_overlay
from tools.reported import from_file, from_output
from tools.run_trial import Collected
from tools.smoke_test import run_to_end
from tools.toolbox import Workbench
from tools.trial_spec import environment_plan, trial_spec


class Outcome(Model):
    """What one run gave: None where it failed or has no such number."""

    seed: int
    validation: float | None
    holdout: float | None
    reason: str
    duration_s: float


class Control(Model):
    """The control's result, beside which the crew's stands."""

    title: str
    metric: str
    direction: str
    source: Literal["evaluator", "reported"]
    runs: int
    failed: int
    sampler_seed: int
    winner: Values
    seeds: tuple[Outcome, ...]
    validation_mean: float | None
    validation_std: float | None
    holdout_mean: float | None
    holdout_std: float | None
    running_s: float


class Runner:
    """Runs a ticket's program in sandboxes and scores what it left.

    Args:
        bench: the adapters of a throw-away home.
        assigned: the ticket, its repository taken.
        image: its environment.
    """

    def __init__(self, bench: Workbench, assigned: AssignedTicket, image: str) -> None:
        self._bench, self._assigned, self._image = bench, assigned, image
        self._kept: dict[int, Collected] = {}

    def run(self, number: int, values: Values, seed: int) -> Outcome:
        """One run and its validation value."""
        assigned = self._assigned
        trial = Trial(
            id=f"{assigned.id}-{number:03d}",
            ticket=assigned.id,
            number=number,
            kind="search",
            values=values,
            seed=seed,
            data="original",
            memory_mb=assigned.budget.memory_mb,
        )
        spec = trial_spec(
            assigned,
            trial,
            image=self._image,
            cleaned={},
            overlay=self._overlay(trial),
            beginning=beginning(self._bench.home, self._bench.repositories, assigned, trial),
        )
        done = run_to_end(self._bench, assigned, spec, trial.id)
        self._kept[number] = done.kept
        value, reason = None, f"exit code {done.exit_code}"
        if done.timed_out:
            reason = "time limit"
        elif done.exit_code == 0:
            try:
                value = self.value(number, "validation", seed)
            except ToolError as error:
                reason = error.message
        return Outcome(
            seed=seed, validation=value, holdout=None, reason=reason, duration_s=done.duration_s
        )

    def value(self, number: int, split: Literal["validation", "holdout"], seed: int) -> float:
        """What the evaluator says of a run's outputs, or what the run reported (validation only).

        Raises:
            ToolError: there is no number.
        """
        assigned, kept = self._assigned, self._kept[number]
        if assigned.ticket.evaluator is None:
            return self._reported(kept)
        call = EvaluateOutputs(
            subject=f"{assigned.id}-{number:03d}",
            folder=kept.folder,
            expected_sha256=kept.sha256,
            split=split,
            seed=seed,
            commit=assigned.base_commit,
            image=self._image,
            data_sha256="",
            container=f"{assigned.id}-{number:03d}-{split}".lower(),
        )
        return evaluate_outputs.run(call, assigned, self._bench).value

    def _reported(self, kept: Collected) -> float:
        metric = self._assigned.ticket.metric
        value = from_file(metric, kept.folder)
        if value is None and metric.pattern is not None:
            with kept.log.open(encoding="utf-8", errors="replace") as lines:
                value = from_output(metric, lines)
        if value is None:
            raise ToolError(f"no {metric.name} was reported.")
        return value

    def _overlay(self, trial: Trial) -> tuple[OverlayFile, ...]:
        call = settings_overlay(self._assigned.ticket.settings, trial.values, trial.seed)
        if call is None:
            return ()
        return (render_settings.run(call, self._assigned, self._bench).file,)


def control(runner: Runner, assigned: AssignedTicket, runs: int, sampler_seed: int) -> Control:
    """Searches with plain Optuna and measures what it found.

    Args:
        runs: runs of the command in all, the winner's other seeds among them.
        sampler_seed: TPE's seed.

    Raises:
        InputError: the ticket has no search space, or the runs don't suffice.
    """
    import optuna

    ticket = assigned.ticket
    search = runs - (len(ticket.seeds) - 1)
    if not ticket.search_space or search < 1:
        raise InputError(f"{ticket.title}: {runs} runs leave nothing to search with.")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction=ticket.metric.direction,
        sampler=optuna.samplers.TPESampler(
            seed=sampler_seed, constant_liar=assigned.budget.parallel > 1
        ),
    )
    tried: list[tuple[int, Values, Outcome]] = []
    with ThreadPoolExecutor(max_workers=assigned.budget.parallel) as pool:
        while len(tried) < search:
            count = min(assigned.budget.parallel, search - len(tried))
            asked = [study.ask() for _ in range(count)]
            for trial in asked:
                suggested(trial, ticket.search_space)
            numbers = range(len(tried), len(tried) + count)
            ended = pool.map(
                lambda n, values: runner.run(n, values, ticket.seeds[0]),
                numbers,
                [dict(trial.params) for trial in asked],
            )
            for number, trial, outcome in zip(numbers, asked, list(ended), strict=True):
                failed = outcome.validation is None
                study.tell(trial, state=optuna.trial.TrialState.FAIL) if failed else study.tell(
                    trial, outcome.validation
                )
                tried.append((number, dict(trial.params), outcome))
    scored = [entry for entry in tried if entry[2].validation is not None]
    if not scored:
        return _summary(assigned, tried, {}, [], sampler_seed)
    sign = -1 if ticket.metric.direction == "maximize" else 1
    number, values, first = min(scored, key=lambda entry: sign * float(entry[2].validation or 0))
    winners = [(number, first)]
    for offset, seed in enumerate(ticket.seeds[1:]):
        winners.append((search + offset, runner.run(search + offset, values, seed)))
        tried.append((search + offset, values, winners[-1][1]))
    measured = [_with_holdout(runner, assigned, n, outcome) for n, outcome in winners]
    return _summary(assigned, tried, values, measured, sampler_seed)


def _with_holdout(
    runner: Runner, assigned: AssignedTicket, number: int, outcome: Outcome
) -> Outcome:
    ticket = assigned.ticket
    if ticket.evaluator is None or ticket.data_for("holdout") is None:
        return outcome
    if outcome.validation is None:
        return outcome
    value = runner.value(number, "holdout", outcome.seed)
    return outcome.model_copy(update={"holdout": value})


def _summary(
    assigned: AssignedTicket,
    tried: Sequence[tuple[int, Values, Outcome]],
    winner: Values,
    measured: Sequence[Outcome],
    sampler_seed: int,
) -> Control:
    metric = assigned.ticket.metric
    validation = _mean_std([o.validation for o in measured])
    holdout = _mean_std([o.holdout for o in measured])
    return Control(
        title=assigned.ticket.title,
        metric=metric.name,
        direction=metric.direction,
        source="reported" if assigned.ticket.evaluator is None else "evaluator",
        runs=len(tried),
        failed=sum(outcome.validation is None for _, _, outcome in tried),
        sampler_seed=sampler_seed,
        winner=winner,
        seeds=tuple(measured),
        validation_mean=validation[0],
        validation_std=validation[1],
        holdout_mean=holdout[0],
        holdout_std=holdout[1],
        running_s=round(sum(outcome.duration_s for _, _, outcome in tried), 1),
    )


def _mean_std(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    present = [value for value in values if value is not None]
    if not present:
        return None, None
    return statistics.fmean(present), statistics.stdev(present) if len(present) > 1 else None


def measure(file: Path, runs: int | None = None, sampler_seed: int = 0) -> Control:
    """The control of a ticket's file, in a throw-away home.

    Args:
        file: the ticket.
        runs: default: the ticket's budget.

    Raises:
        InputError: the ticket or its repository.
        EngineUnavailable: no Docker engine answers.
        EnvironmentBroken: its software can't be installed.
    """
    from evals.lab import bare_bench, take

    ticket = read_ticket(file)
    with bare_bench() as bench:
        assigned = take(bench, ticket, file.resolve().parent)
        plan = environment_plan(bench.environments, assigned)
        image = bench.environments.ensure(plan, approved=False)
        runner = Runner(bench, assigned, image)
        return control(runner, assigned, runs or ticket.budget.trials, sampler_seed)


def show(result: Control) -> None:
    """Prints a result as a table."""
    from rich.console import Console
    from rich.table import Table

    label = "score" if result.source == "evaluator" else "reported, not verified"
    table = Table(title=f"Plain Optuna, {result.runs} runs ({result.failed} failed): {label}")
    for column in (f"{result.metric}, {result.direction}", "validation", "holdout"):
        table.add_column(column, justify="right")
    for outcome in result.seeds:
        table.add_row(f"seed {outcome.seed}", _four(outcome.validation), _four(outcome.holdout))
    table.add_section()
    table.add_row(
        "mean ± std",
        f"{_four(result.validation_mean)} ± {_four(result.validation_std)}",
        f"{_four(result.holdout_mean)} ± {_four(result.holdout_std)}",
    )
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(
        "Best settings: " + ", ".join(f"{k} = {v}" for k, v in sorted(result.winner.items())),
        markup=False,
    )


def _four(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit code 2 for wrong input, 4 for other trouble."""
    parser = argparse.ArgumentParser(prog="evals.optuna_control", description=__doc__)
    parser.add_argument("ticket", type=Path)
    parser.add_argument("--runs", type=int, help="default: the ticket's budget")
    parser.add_argument("--sampler-seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--output", type=Path, help="also write the JSON to this file")
    given = parser.parse_args(arguments)
    try:
        result = measure(given.ticket, given.runs, given.sampler_seed)
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    text = result.model_dump_json(indent=2) + "\n"
    if given.output is not None:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(text)
    if given.json:
        sys.stdout.write(text)
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
