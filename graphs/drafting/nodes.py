"""The moves of a draft: read, choose a command, install, run, settle the number, repeat, write."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from langgraph.runtime import Runtime
from pydantic import ValidationError

from agents.drafting import better, choosing, commands, environment, evaluators, metrics
from agents.drafting.accounts import told_of_space
from agents.drafting.composing import Found, compose
from agents.drafting.environment import EnvironmentStep
from agents.drafting.mending import kept
from agents.drafting.observing import noise
from agents.drafting.refusals import refusal
from agents.drafting.space import budget, search_space
from graphs.drafting.study import Study
from labcrew.domain.draft import Candidate, FirstRun, Option, Options, Trouble
from labcrew.domain.measuring import Evaluator
from labcrew.domain.search_space import Values
from labcrew.domain.survey import EntryPoint

Route = Literal[
    "choose_command", "install", "first_run", "settle_metric", "repeat", "write", "refuse", "end"
]
MOST_CANDIDATES = 4
_MOST_MENDS = 3
_NEAR, _AS_LIKELY = 3.0, 0.5
"""Log-odds within which another command may be meant: beyond, a failure is told, not passed by;
the second where a person can supply what the first one lacked."""
_SUPPLIED = ("download", "secret", "accelerator", "missing_file", "asks")
_NEXT_BEST = 0.5
"""No command that was taken because another failed is surer than that."""
_AT_ONCE = 2
_OTHER_ENVIRONMENT = ("missing_module", "missing_library", "version")


class DraftState(TypedDict, total=False):
    """The position; what is known stands in the study and in the ledger."""

    draft: str
    route: Route


async def read(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Reads the repository's files, and ranks what can be run."""
    study = runtime.context
    study.survey = await study.read()
    study.committed_at = await asyncio.to_thread(
        study.bench.repositories.committed_at, study.draft.id, study.draft.base_commit
    )
    return {"route": "choose_command"}


async def choose_command(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Takes the command that is most likely meant; on later visits the next best."""
    study = runtime.context
    if not study.ranked:
        ranked = commands.candidates(study.survey, study.draft.sentence, {})
        if not ranked:
            return _give_up(study, None)
        options = command_options(ranked, study.draft.sentence)
        chosen = await study.choose(choosing.COMMAND, options)
        first = next(c for c in ranked if c.run.command == chosen.value)
        study.ranked = (first, *(c for c in ranked if c != first))
    elif not _another(study):
        return {"route": "refuse"}
    else:
        study.position += 1
        _take_the_next(study)
    study.candidate = study.ranked[study.position]
    study.runs, study.tries, study.mends, study.installed = [], [], 0, None
    study.known = await study.recall()
    return {"route": "install"}


async def install(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Tries environments, one after the other, until one stands."""
    study = runtime.context
    step: EnvironmentStep | None
    while True:
        if not study.tries and study.known is not None:
            step = environment.known_environment(study.known)
        elif not study.tries:
            step = environment.first_environment(study.survey, study.committed_at, study.entry)
        else:
            step = environment.next_environment(
                study.survey, study.committed_at, study.entry, study.tries, study.runs
            )
        if step is None or _waits_for_a_person(study, step):
            return _give_up(study, _last_trouble(study))
        study.tries.append(await study.install(step))
        if study.tries[-1].image:
            study.use(study.tries[-1])
            await study.learn_options()
            return {"route": "first_run"}


async def first_run(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Runs the command once, shortened where it offers a way to."""
    study = runtime.context
    candidate = study.candidate
    assert candidate is not None
    study.say(f"First run: {candidate.run.command}")
    run = await study.run(candidate.short, 0, timeout_s=study.limits.first_s)
    study.runs.append(run)
    if run.trouble is None or (run.trouble.kind == "time" and run.series):
        return {"route": "settle_metric"}
    mended = commands.mended(candidate, run, study.survey)
    if mended is not None and study.mends < _MOST_MENDS:
        study.mends += 1
        study.candidate = mended
        return {"route": "first_run"}
    if run.trouble.kind in _OTHER_ENVIRONMENT:
        return {"route": "install"}
    return _give_up(study, run.trouble)


async def settle_metric(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Finds the number that the person means among those that the run showed."""
    study = runtime.context
    assert study.entry is not None
    options = metrics.metric_options(
        study.draft.sentence, study.survey, study.entry, study.runs[-1:]
    )
    if not options.options:
        return _give_up(study, _no_number(study.runs[-1]))
    chosen = await study.choose(choosing.METRIC, options)
    elsewhere = str(_object(chosen).get("file") or "")
    if elsewhere.startswith("../") and study.mends < _MOST_MENDS:
        study.mends += 1
        assert study.candidate is not None
        study.candidate = kept(study.candidate, elsewhere.removeprefix("../"))
        return {"route": "first_run"}
    study.metric = _object(chosen)
    name = str(study.metric["name"])
    direction = await study.choose(
        choosing.DIRECTION, better.direction_options(study.draft.sentence, name, study.runs[-1:])
    )
    study.direction = str(direction.value)
    split = await study.choose(
        choosing.SPLIT,
        metrics.split_options(
            study.draft.sentence, study.survey, study.entry, study.runs[-1:], study.metric
        ),
    )
    study.metric = {**study.metric, "split": split.value}
    known = study.known.noise if study.known is not None else None
    if known is not None and known.metric == name:
        study.noise, study.same = known, study.runs[-1:]
        return {"route": "write"}
    return {"route": "repeat"}


async def repeat(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Runs the whole command twice with one seed and twice with others."""
    study = runtime.context
    candidate = study.candidate
    assert candidate is not None
    study.say("Running it whole …")
    values: Values = {}
    first, whole = study.runs[-1], None
    if candidate.short:
        first = await study.run({}, 0, timeout_s=study.limits.whole_s)
        if first.trouble is not None and first.trouble.kind != "time":
            return _give_up(study, first.trouble)
        if first.duration_s > study.limits.repeated_s:
            values, whole, first = candidate.short, first, study.runs[-1]
    study.say("Running it again, with the same seed and with others …")
    gate = asyncio.Semaphore(_AT_ONCE)

    async def once_more(seed: int, again: int) -> FirstRun:
        async with gate:
            return await study.run(values, seed, timeout_s=study.limits.whole_s, again=again)

    ended = await asyncio.gather(
        once_more(0, 1), once_more(1, 0), once_more(2, 0), return_exceptions=True
    )
    # Each has ended and is written down before the first one's trouble is told.
    again: list[FirstRun] = []
    for run in ended:
        if isinstance(run, BaseException):
            raise run
        again.append(run)
    study.same, study.others = [first, again[0]], again[1:]
    name, file = str(study.metric["name"]), str(study.metric["file"] or "")
    study.noise = noise(name, study.same, study.others, file=file, whole=whole)
    return {"route": "write"}


async def write(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Puts the ticket together, with every guess and what to ask."""
    study = runtime.context
    entry, candidate, installed = study.entry, study.candidate, study.installed
    assert entry is not None
    assert candidate is not None
    assert installed is not None
    draft, runs, metric = study.draft, [*study.same, *study.others], study.metric
    measured = study.noise
    run_s = measured.run_s if measured is not None else runs[0].duration_s
    memory = max((run.memory_mb for run in runs if run.memory_mb is not None), default=None)
    spent, seeds, timeout_s, stall_s = budget(run_s, measured, draft.trials, draft.hours, memory)
    evaluator = await study.choose(
        choosing.EVALUATOR, evaluators.evaluator_options(study.survey, candidate, runs, metric)
    )
    spaced = search_space(
        study.survey, entry, candidate.settings, draft.sentence, runs, spent.trials
    )
    if not spaced.space:
        return _give_up(study, _nothing_to_tune(entry, spaced.left_out))
    fresh = 2 if spent.trials >= 20 else 1 if spent.trials >= 10 else 0
    split = study.guesses["metric.split"]
    found = Found(
        draft=draft,
        survey=study.survey,
        entry=entry,
        candidate=candidate,
        installed=installed,
        metric=metric,
        direction=study.direction,
        evaluator=None if evaluator.value is None else Evaluator.model_validate(evaluator.value),
        holdout=evaluators.holdout(study.survey, entry, runs, metric, measured, seeds, fresh),
        space=spaced.space,
        budget=spent,
        seeds=seeds,
        timeout_s=timeout_s,
        stall_s=stall_s,
        noise=measured,
        guesses=(*study.guesses.values(), *spaced.guesses),
        doubts=(
            *metrics.split_doubts(metric, metric["split"], split.confidence),
            *evaluators.unread(metric, study.guesses["evaluator"]),
        ),
    )
    try:
        ticket, guesses = compose(found)
    except ValueError as error:
        study.fail(
            Trouble(
                kind="arguments",
                what=candidate.entry,
                message=f"No ticket can be made of {candidate.run.command}: {_said(error)}"[:600],
                supply="Write the ticket by hand: see `labcrew ticket --help`.",
            )
        )
        return {"route": "end"}
    await study.keep(measured)
    study.finish(ticket, guesses, told_of_space(spaced.left_out))
    return {"route": "end"}


async def refuse(state: DraftState, runtime: Runtime[Study]) -> dict[str, Any]:
    """Ends without a ticket: what was found, what is missing, what to supply."""
    study = runtime.context
    study.fail(refusal(study.survey, study.failures, study.installs))
    return {}


def _give_up(study: Study, trouble: Trouble | None) -> dict[str, Any]:
    """Leaves a command for the next best; or gives the draft up."""
    if study.candidate is None:
        return {"route": "refuse"}
    if trouble is not None:
        study.failures.append((study.candidate, trouble))
    return {"route": "choose_command"}


def _waits_for_a_person(study: Study, step: EnvironmentStep) -> bool:
    """Whether a step builds what only a person may allow, and none did."""
    return step.needs_approval and study.draft.answers.get("environment.dockerfile") is not True


def _last_trouble(study: Study) -> Trouble | None:
    """Of the last first run, where there was one; else of the last install."""
    if study.runs:
        return study.runs[-1].trouble
    return study.tries[-1].trouble if study.tries else None


def _another(study: Study) -> bool:
    """Whether another command may be meant, so that it is right to try it."""
    after = study.position + 1
    if after >= min(len(study.ranked), MOST_CANDIDATES) or "run.command" in study.draft.answers:
        return False
    last = study.failures[-1][1].kind if study.failures else None
    # What a person can supply is told; another program is no answer to that, unless it may as well
    # have been meant. Other command lines of the same program are.
    same = study.ranked[after].entry == study.ranked[study.position].entry
    near = _AS_LIKELY if last in _SUPPLIED and not same else _NEAR
    return study.ranked[after].score >= study.ranked[0].score - near


def _take_the_next(study: Study) -> None:
    """Says of the command's guess what it is now: the next best, after others failed."""
    taken, guess = study.ranked[study.position], study.guesses.get("run.command")
    if guess is None:
        return
    told = study.failures[-1][1].message if study.failures else "it could not be used"
    because = f"{study.ranked[0].run.command} could not be used ({told}); this is the next best"
    study.guesses["run.command"] = guess.model_copy(
        update={
            "value": taken.run.command,
            "confidence": min(guess.confidence, _NEXT_BEST),
            "because": because[:600],
            "evidence": taken.evidence,
        }
    )


def command_options(ranked: tuple[Candidate, ...], sentence: str) -> Options:
    """One option a program: its other command lines are tried where the first one fails."""
    best: dict[str, Candidate] = {}
    for candidate in ranked:
        best.setdefault(candidate.entry, candidate)
    return Options(
        field="run.command",
        question="Which command makes the number that you mean?",
        options=tuple(
            Option(
                label=candidate.run.command[:300],
                value=candidate.run.command,
                score=candidate.score,
                because=candidate.because,
                evidence=candidate.evidence,
            )
            for candidate in best.values()
        ),
        sentence=sentence,
    )


def _object(option: Option) -> dict[str, Any]:
    """An option's value that is a JSON object."""
    assert isinstance(option.value, dict)
    return dict(option.value)


def _no_number(run: FirstRun) -> Trouble:
    return Trouble(
        kind="no_number",
        what=run.command[:300],
        message="The run ended well but showed no number that could be a metric.",
        supply="Let it print a line such as val_loss=0.5, or write one JSON object a line.",
    )


def _nothing_to_tune(entry: EntryPoint, left_out: Mapping[str, str]) -> Trouble:
    """A program without a parameter that a trial could change."""
    seen = [f"{name} ({why})" for name, why in list(left_out.items())[:5]]
    found = f"It has {', '.join(seen)}." if seen else "No option, setting or constant was found."
    if len(left_out) > len(seen):
        found = found[:-1] + f" and {len(left_out) - len(seen)} more."
    return Trouble(
        kind="arguments",
        what="search_space",
        message=f"It runs and reports a number, but nothing in {entry.path} may be tuned. {found}"[
            :1500
        ],
        supply="Give it an option, a settings file or a constant such as LEARNING_RATE = 0.01.",
    )


def _said(error: ValueError) -> str:
    """A reason without a library's own words around it."""
    if isinstance(error, ValidationError):
        return "; ".join(str(one["msg"]) for one in error.errors(include_input=False)[:3])
    return str(error)
