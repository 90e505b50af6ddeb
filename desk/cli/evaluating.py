"""Commands that measure labcrew itself: `labcrew eval …`; the benchmarks are imported late."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import HomeOption, JsonOption, answer, group, guarded, say

if TYPE_CHECKING:
    from labcrew.settings import ModelSettings

app = group("Measure labcrew itself, on this machine.")
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        help="Where results are kept; those that are there are not run again."
        " [default: in the home]",
        show_default=False,
    ),
]


@app.callback()
def evaluate() -> None:
    """Measure labcrew itself, on this machine."""


@app.command()
@guarded
def repositories(
    half: Annotated[str, typer.Option(help="visible, unseen or both.")] = "both",
    only: Annotated[
        list[str] | None, typer.Option(help="Only this repository; may be repeated.")
    ] = None,
    draft_only: Annotated[
        bool, typer.Option("--draft-only", help="Draft tickets, don't work on them.")
    ] = False,
    results: ResultsOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft and run tickets on repositories that labcrew never saw (an hour and more)."""
    from tempfile import TemporaryDirectory

    from desk.wiring import home_folder
    from evals.repositories import report
    from evals.repositories.catalogue import catalogue
    from evals.repositories.running import run_all
    from labcrew.errors import InputError

    known = catalogue().entries
    if half not in ("both", *report.HALVES):
        raise InputError(f"--half is visible, unseen or both, not {half!r}.")
    if missing := set(only or ()) - {entry.name for entry in known}:
        raise InputError(f"There is no repository {sorted(missing)[0]!r} in the benchmark.")
    chosen = [
        entry
        for entry in known
        if (not only or entry.name in only) and half in ("both", entry.half)
    ]
    place = results or home_folder(home) / "benchmark"
    kept = place / "drafts" if draft_only else place
    with TemporaryDirectory(prefix="labcrew-eval-") as work:
        run_all(chosen, kept, Path(work), say=say, draft_only=draft_only)
    names = {entry.name for entry in chosen}
    found = [result for result in report.load(kept) if result.name in names]
    halves = [report.half(name, found) for name in report.HALVES]
    answer({"halves": halves, "results": found}, as_json, lambda: report.document(found))


@app.command()
@guarded
def incidents(
    only: Annotated[
        list[str] | None, typer.Option(help="Only this class of faults; may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Each with an empty ledger for each arm.")] = 3,
    per_class: Annotated[
        int, typer.Option(min=1, help="Runs of a class in each arm, over all seeds.")
    ] = 12,
    arms: Annotated[str, typer.Option(help="Some of them.")] = "alert,rules,learning",
    clean: Annotated[int, typer.Option(min=0, help="Runs without a fault.")] = 200,
    results: ResultsOption = None,
    curve: Annotated[
        Path | None, typer.Option(help="Folder to draw the learning curve in.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Supervise training runs with faults put in, and clean ones (most of an hour)."""
    from desk.wiring import home_folder
    from evals.incidents import report
    from evals.incidents.faults import FAULTS, all_faults
    from evals.incidents.running import chosen_arms, run_all
    from labcrew.errors import InputError

    if missing := set(only or ()) - set(FAULTS):
        raise InputError(
            f"There is no class of faults {sorted(missing)[0]!r}.",
            f"Choose from: {', '.join(FAULTS)}.",
        )
    place = results or home_folder(home) / "benchmark" / "incidents"
    run_all(
        all_faults(only or ()),
        place,
        seeds=seeds,
        rounds=-(-per_class // seeds),
        arms=chosen_arms(arms),
        clean=clean,
        say=say,
    )
    found = report.load(place)
    if curve is not None:
        report.write_curve(found, curve)
    answer(
        {"figures": found.summary(), "false_alarms": found.false_alarms, "runs": found.judged},
        as_json,
        lambda: report.document(found),
    )


@app.command()
@guarded
def judgements(
    model: Annotated[
        str, typer.Option(help="Beside the rules: this model of the settings.", metavar="NAME")
    ] = "",
    only: Annotated[
        list[str] | None, typer.Option(help="Only this question; may be repeated.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            help="Where a model's answers are kept; those that are there are not asked again."
            " [default: in the home]",
            show_default=False,
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score the crew's rules on prepared questions, and a model beside them."""
    import asyncio
    import re

    from desk.models import chat_of
    from desk.wiring import home_folder
    from evals.judgements import report
    from evals.judgements.all_cases import all_cases, by_question
    from evals.judgements.measuring import measure
    from labcrew.errors import InputError

    known = by_question(all_cases())
    if missing := set(only or ()) - set(known):
        raise InputError(
            f"There is no question {sorted(missing)[0]!r}.", f"Choose from: {', '.join(known)}."
        )
    cases = [case for name, own in known.items() if not only or name in only for case in own]
    found = report.figures(cases)
    if model:
        settings = _model_of(home, model)
        place = results or home_folder(home) / "benchmark" / "judgements"
        told = re.sub(r"[^\w.-]", "_", model)
        answered = asyncio.run(
            measure(
                cases,
                chat_of(settings),
                place / f"{told}.jsonl",
                model=f"{model} {settings.model} {settings.base_url or settings.gguf or ''}",
                attempts=settings.attempts,
                timeout_s=settings.timeout_s,
                say=say,
            )
        )
        found = report.figures(cases, answered)
    shown = [one.model_dump(mode="json") | {"use_model": one.use_model} for one in found]
    answer({"model": model, "questions": shown}, as_json, lambda: report.document(found, model))


def _model_of(home: Path | None, name: str) -> "ModelSettings":
    """A model of the home's settings. Raises InputError: there is none of that name."""
    from desk.wiring import home_folder
    from labcrew.errors import InputError
    from labcrew.home import Home
    from labcrew.settings import Settings

    models = Settings.load(Home(home_folder(home)).settings_file).models
    if name not in models:
        raise InputError(
            f"There is no model {name!r} in the settings.",
            f"Known: {', '.join(models)}." if models else "Name one in [models.<name>].",
        )
    return models[name]


@app.command()
@guarded
def repair(
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="single, samples, loop, no-feedback, no-search, no-critique, no-reduce or"
            " mini-swe-agent; may be repeated. [default: single, loop]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="0.5b or 1.5b.")] = "0.5b",
    half: Annotated[str, typer.Option(help="visible, unseen or both.")] = "both",
    only: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
    results: ResultsOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a local model repair small programs, alone and in the loop (hours)."""
    from typing import cast

    from desk.wiring import home_folder
    from evals.local_models import MODELS
    from evals.repair import report
    from evals.repair.attempt import ARMS, Arm
    from evals.repair.catalogue import catalogue
    from evals.repair.running import run_all
    from labcrew.errors import InputError

    arms = arm or ["single", "loop"]
    if unknown := [name for name in arms if name not in ARMS]:
        raise InputError(f"There is no arm {unknown[0]!r}.", f"Choose from: {', '.join(ARMS)}.")
    if model not in MODELS:
        raise InputError(f"--model is {' or '.join(MODELS)}, not {model!r}.")
    if half not in ("both", *report.HALVES):
        raise InputError(f"--half is visible, unseen or both, not {half!r}.")
    known = catalogue()
    if missing := set(only or ()) - {task.name for task in known}:
        raise InputError(f"There is no task {sorted(missing)[0]!r}.")
    chosen = [
        task for task in known if (not only or task.name in only) and half in ("both", task.half)
    ]
    place = results or home_folder(home) / "benchmark" / "repair"
    run_all(chosen, place, arms=cast(list[Arm], arms), model=model, seeds=[0], say=say)
    found = report.read(place)
    answer(
        {"solved": found.summary(), "attempts": found.attempts},
        as_json,
        lambda: report.document(found),
    )


@app.command()
@guarded
def scaffold(
    rounds: Annotated[
        int, typer.Option(min=1, help="The budget; another one is another loop.")
    ] = 100,
    control: Annotated[
        str, typer.Option(help="In place of the loop: random_search, always_keep or no_memory.")
    ] = "",
    tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="A budget of the model's tokens beside it. [default: the spec's]",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Where results are kept. [default: in the home]", show_default=False),
    ] = None,
    collect: Annotated[
        Path | None,
        typer.Option(help="Run nothing: write the results of the loops of this labcrew home."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a coding agent round a local model improve itself (hours); a killed run goes on."""
    from typing import get_args

    from desk.wiring import home_folder
    from evals.scaffold import report, running
    from evals.scaffold.results import read
    from labcrew.domain.evolution_spec import Control
    from labcrew.errors import InputError

    if control not in get_args(Control):
        raise InputError(
            f"There is no control {control!r}.", "Choose random_search, always_keep or no_memory."
        )
    own = home_folder(home) / "benchmark" / "scaffold"
    place = results or own / "results"
    if collect is not None:
        running.collect(collect, place)
    else:
        running.run(own, place, rounds=rounds, tokens=tokens, control=control, say=say)  # type: ignore[arg-type]
    found = read(place)
    answer({"arms": found}, as_json, lambda: report.document(found))


@app.command()
@guarded
def chat(
    model: Annotated[
        str,
        typer.Option(help="Beside the rules: where this model of the settings takes the messages."),
    ] = "",
    results: Annotated[
        Path | None, typer.Option(help="File to keep the result in.", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold the chat's understanding and its statements to messages that it never saw (a minute)."""
    import asyncio
    from tempfile import TemporaryDirectory

    from desk.chat.building import recogniser
    from desk.chat.understand import Understanding
    from desk.models import chat_of
    from desk.wiring import open_home
    from evals.chat import report
    from evals.chat.home import fill
    from evals.chat.measuring import measure
    from evals.chat.routing import Routed, compare

    routing: tuple[Routed, ...] = ()
    if model:
        chosen = chat_of(_model_of(home, model))
        routing = asyncio.run(compare(chosen, Understanding(recogniser()), say))
    # What is said is said in a home of its own.
    with (
        TemporaryDirectory(prefix="labcrew-eval-") as folder,
        open_home(Path(folder) / "home", create=True) as opened,
    ):
        fill(opened)
        result = measure(opened, recogniser())
    if results is not None:
        results.write_text(result.model_dump_json(indent=2) + "\n")
    shown = result if not model else {**result.model_dump(mode="json"), "routing": routing}
    answer(shown, as_json, lambda: report.text(result, routing))


@app.command()
@guarded
def evolution(
    target: Annotated[
        list[str] | None, typer.Option(help="Only this target; may be repeated.")
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this arm: loop, random_search, always_keep, no_memory; may be repeated."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Loops of each arm.")] = 8,
    first: Annotated[int, typer.Option(min=0, help="The first of them.")] = 0,
    rounds: Annotated[
        int | None,
        typer.Option(
            min=1, help="Rounds of every arm. [default: the target's]", show_default=False
        ),
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder to draw pictures in.")] = None,
    report_only: Annotated[
        bool, typer.Option("--report", help="Report what is kept; run nothing.")
    ] = False,
    results: ResultsOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let programs improve themselves, controls beside them (hours; cut off, it goes on)."""
    from desk.wiring import home_folder
    from evals.evolution import report
    from evals.evolution.running import chosen, run_all

    targets, arms = chosen(target or [], control or [])
    place = home_folder(home) / "benchmark" / "evolution"
    kept = results or place / "results"
    if not report_only:
        numbers = range(first, first + seeds)
        run_all(targets, arms, kept, place, seeds=numbers, rounds=rounds, say=say)
    found = report.load(kept)
    if plots is not None:
        report.write_plots(found, plots)
    answer({"results": found.results}, as_json, lambda: report.document(found))
