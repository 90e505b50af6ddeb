"""Runs the loop on the scaffold target, or a control of it; a killed run goes on where it was."""

import asyncio
import difflib
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from desk.wiring import at_work, open_home
from evals.local_models import MODELS, fetched
from evals.scaffold.make import SPEC, make
from evals.scaffold.results import (
    Summary,
    folder_of,
    write_kept,
    write_rounds,
    write_runs,
    write_summary,
)
from labcrew.domain.evolution import CodeFile, Evolution, Round
from labcrew.domain.evolution_spec import Control, EvolutionSpec
from labcrew.errors import InputError
from labcrew.evolution_file import read_spec
from labcrew.ledger import Ledger

SEEDS = "seeds.txt"
CONTEXT_TOKENS = 8192
AT_ONCE = 8
"""Answers written at once, as many as the spec runs at once: 16 took 102 s, one by one 161 s."""
WAIT_S = 900
"""For one answer: a busy machine is no reason to score a program worse."""


def run(
    home: Path,
    results: Path,
    *,
    rounds: int,
    control: Control,
    say: Callable[[str], None],
    tokens: int | None = None,
    model: str = "0.5b",
    by: str = "eval",
) -> Summary:
    """Starts the loop, or takes it up again, and works until it has ended.

    Args:
        home: a folder of this run's own: a repository for each arm, and one labcrew home, so that
            what the model once answered one arm it need not be asked by the next.
        results: where each arm's results are kept; written again after each round. Once an arm has
            ended, also what its seeds were drawn from, so that others can be run elsewhere.
        rounds: the budget; a loop of another one is another loop.
        tokens: a budget beside it, of the model's; None: the spec's.
        control: a loop that ours is held against; empty: ours.
        model: as in evals.local_models.

    Raises:
        EngineUnavailable: no Docker engine answers.
        LabcrewError: the model can't be fetched or served, or the loop needs a person: one that a
            canary halted is taken up by nobody else.
        InputError: the home's arms are judged on other seeds than those that have results there.
    """
    secret = _secret(home, results)
    folder = folder_of(home, control)
    spec_file = folder / SPEC
    if not spec_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
    place = folder_of(results, control)
    _settings(home / "home", model)
    with open_home(home / "home", create=True) as opened:
        spec = _budgeted(read_spec(spec_file), rounds, tokens)
        known = [
            e
            for e in opened.ledger.evolutions.all()
            if e.control == control and e.spec.budget == spec.budget
        ]
        if known:
            id = known[-1].id
        else:
            evolutions = opened.evolutions()
            id = evolutions.start(
                spec,
                beside=folder,
                source=str(spec_file),
                by=by,
                control=control,
                secret=secret,
            ).id
        if known and _goes_on(opened.ledger, known[-1]):
            opened.evolutions().resume(id, by)

        def told(text: str) -> None:
            say(text)
            _write(place, opened.ledger, opened.ledger.evolutions.get(id))

        with at_work(opened, say) as working:
            ended = asyncio.run(working.evolver(True, told).advance(id))
        summary = _kept(place, opened.ledger, ended, model)
    (results / SEEDS).write_text(secret + "\n", encoding="ascii")
    return summary


def collect(home: Path, results: Path, *, model: str = "0.5b") -> tuple[Summary | None, ...]:
    """Writes the results of loops on this target that were started with `labcrew evolve`.

    Args:
        home: a labcrew home; it is only read.
        results: where each arm's results are kept.

    Returns:
        For each loop, what came of it; None while it goes on.
    """
    with open_home(home) as opened:
        found: list[Summary | None] = []
        for evolution in opened.ledger.evolutions.all():
            place = folder_of(results, evolution.control)
            _write(place, opened.ledger, evolution)
            ended = evolution.sealed is not None
            found.append(_kept(place, opened.ledger, evolution, model) if ended else None)
    return tuple(found)


def _goes_on(ledger: Ledger, evolution: Evolution) -> bool:
    """Whether a loop that stands still may be taken up with no person."""
    rounds = [r for r in ledger.rounds.of(evolution.id) if r.number == evolution.rounds]
    halted = any(r.verdict == "halted" for r in rounds)
    return evolution.status == "paused" or (evolution.status == "failed" and not halted)


def _secret(home: Path, results: Path) -> str:
    """What seeds are drawn from: every arm is judged on the same, which nobody knew before."""
    file, told = home / "secret", results / SEEDS
    known = told.read_text(encoding="ascii").strip() if told.is_file() else ""
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        made = file.with_suffix(".new")
        made.touch(mode=0o600)
        made.write_text(known or secrets.token_hex(32), encoding="ascii")
        made.replace(file)
    secret = file.read_text(encoding="ascii")
    if known and known != secret:
        raise InputError(
            f"{results} holds arms that were judged on other seeds than those of {home}.",
            "Give this draw a --results folder of its own, or begin it in a new --home.",
        )
    return secret


def _budgeted(spec: EvolutionSpec, rounds: int, tokens: int | None = None) -> EvolutionSpec:
    budget = spec.budget.model_copy(update={"rounds": rounds})
    if tokens is not None:
        budget = budget.model_copy(update={"model_tokens": tokens})
    return spec.model_copy(update={"budget": budget})


def _settings(home: Path, model: str) -> None:
    """A home whose candidates are answered by the local model."""
    file = home / "labcrew.toml"
    if file.exists():
        return
    with open_home(home, create=True):
        pass
    lines = [
        "[models.candidate]",
        f"gguf = {json.dumps(str(fetched(model)))}",
        f"context_tokens = {CONTEXT_TOKENS}",
        f"parallel = {AT_ONCE}",
        *(f"{name} = {WAIT_S}" for name in ("timeout_s", "first_token_s", "between_tokens_s")),
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write(place: Path, ledger: Ledger, evolution: Evolution) -> None:
    rounds = tuple(ledger.rounds.of(evolution.id))
    write_rounds(place, rounds)
    kept = [r for r in rounds if r.verdict == "kept"]
    write_kept(place, list(kept_diffs(evolution.baseline, kept)))


def _kept(place: Path, ledger: Ledger, evolution: Evolution, model: str) -> Summary:
    """The last results. Raises InputError: the loop ended before the sealed split was opened."""
    _write(place, ledger, evolution)
    if evolution.sealed is None:
        raise InputError(
            f"{evolution.id} is {evolution.status}: {evolution.outcome}",
            "What it did stands in its home: `labcrew evolution show`. Once a person has looked,"
            " `labcrew evolution resume` lets it go on.",
        )
    runs = ledger.scored_runs.of(evolution.id)
    write_runs(place, runs)
    return write_summary(place, evolution, MODELS[model].name, runs=len(runs))


def kept_diffs(baseline: tuple[CodeFile, ...], kept: Sequence[Round]) -> Iterator[tuple[int, str]]:
    """What each kept round changed, against what stood before it."""
    before = baseline
    for round_ in sorted(kept, key=lambda r: r.number):
        assert round_.proposal is not None
        after = round_.proposal.files
        old, new = ({file.path: file.text for file in files} for files in (before, after))
        diff = "".join(
            line
            for path in sorted(old | new)
            for line in difflib.unified_diff(
                old.get(path, "").splitlines(keepends=True),
                new.get(path, "").splitlines(keepends=True),
                f"a/{path}",
                f"b/{path}",
            )
        )
        yield round_.number, diff
        before = after
