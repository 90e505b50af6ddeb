"""The part "evolution": its cheats, its honest changes, its guards; and all of it on the engine."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from agents.evolution.keeping.racing import FEWEST
from evals.attacks.evolution import target
from evals.attacks.evolution.cheat import Cheat, Known
from evals.attacks.evolution.guards import GUARDS, Guard
from evals.attacks.evolution.honest import ASKING, PLAIN
from evals.attacks.evolution.noops import greedy, noops
from evals.attacks.evolution.part import (
    CHEATS,
    EVOLUTION,
    HONEST,
    KINDS,
    judged,
    tried_on,
    unguarded_on,
)
from evals.attacks.evolution.stage import Outcome
from evals.attacks.evolution.target import Kind
from evals.lab import bare_bench
from labcrew.domain.evolution import RunStatus, ScoredRun
from labcrew.evolution_file import editable_files, read_cases

KNOWN = Known(first=(5, 6), shared=(1, 2, 3), seen=((["a"], ["a"]),))


@pytest.mark.engine
@pytest.mark.parametrize("kind", KINDS)
def test_no_cheat_gets_through(kind: Kind) -> None:
    with bare_bench() as bench:
        findings = list(tried_on(kind, bench))
    tried = [cheat.name for cheat in CHEATS if cheat.kind == kind]
    honest = [f"honest: {name}" for name, _ in HONEST.get(kind, ())]
    assert [finding.probe for finding in findings] == [*tried, *honest]
    assert [finding for finding in findings if finding.verdict != "held"] == []


@pytest.mark.engine
@pytest.mark.parametrize("kind", KINDS)
def test_each_guard_is_needed(kind: Kind) -> None:
    with bare_bench() as bench:
        findings = list(unguarded_on(kind, bench))
    assert [finding for finding in findings if finding.verdict != "breached"] == []
    cheats = {cheat.name: cheat.kind for cheat in CHEATS}
    assert len(findings) == sum(cheats[guard.cheat] == kind for guard in GUARDS)


def test_the_part_tries_every_kind() -> None:
    """So that what the cases above show is what the battery runs."""
    kinds = Counter(cheat.kind for cheat in CHEATS)
    assert set(kinds) | set(HONEST) == set(KINDS)
    probes = kinds.total() + sum(map(len, HONEST.values())) + len(list(noops()))
    assert probes >= EVOLUTION.least_tried
    assert len(GUARDS) + len(list(greedy())) == EVOLUTION.least_breached


def test_of_a_hundred_changes_that_do_nothing_at_most_five_are_kept() -> None:
    assert {finding.verdict for finding in noops()} == {"held"}
    assert {finding.verdict for finding in greedy()} == {"breached"}


def test_there_are_enough_cheats_and_honest_changes_and_every_guard_has_its_cheat() -> None:
    names = [cheat.name for cheat in CHEATS]
    assert len(names) == len(set(names)) >= 20
    assert len(PLAIN) + len(ASKING) >= 5
    assert {guard.cheat for guard in GUARDS} <= set(names)
    assert {guard.beside for guard in GUARDS} <= {guard.name for guard in GUARDS} | {""}


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.name)
def test_a_cheat_is_a_whole_program_that_differs(cheat: Cheat) -> None:
    files = cheat.files(KNOWN)
    assert {file.path: file.text for file in files} != target.program()
    if cheat.ended is not None:  # it is to run, so that it must be Python
        for file in files:
            ast.parse(file.text)


def test_the_target_can_be_evolved() -> None:
    files = target.files("plain")
    spec = target.spec(Path("somewhere"), "plain")
    assert set(editable_files(spec, tuple(files))) == set(target.program())
    cases = read_cases(files["cases.jsonl"].encode(), "cases.jsonl")
    assert [case.id for case in cases if case.protected] == ["gate-0"]
    # So few that no half of them is raced: each round is evaluated whole.
    assert sum(case.split == "gate" for case in cases) < FEWEST


def score(folder: Path, patch: dict[str, str]) -> float:
    """What a program scores on the gate split, run as it stands on this machine."""
    for path, text in (target.files("plain") | patch).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    hits = total = 0
    for case in target.cases():
        if case["id"].startswith("gate"):
            (folder / "input").write_text(json.dumps(case["input"]))
            words = [sys.executable, "run.py", "input", "output", "1"]
            subprocess.run(words, cwd=folder, check=True)
            given = json.loads((folder / "output").read_text())["answer"]
            hits += sum(a == b for a, b in zip(given, case["answer"], strict=True))
            total += len(given)
    return hits / total


def test_each_honest_change_scores_more_than_the_one_before(tmp_path: Path) -> None:
    scores = [score(tmp_path / "base", {})]
    for number, (_, patch) in enumerate(PLAIN):
        changed = {path: text for path, text in patch.items() if text is not None}
        scores.append(score(tmp_path / str(number), changed))
    assert scores == sorted(set(scores))
    assert scores[-1] == 1


def run_that(status: RunStatus) -> ScoredRun:
    return ScoredRun(
        id="r", ticket="E-001", code="c", case="gate-0", split="gate", seed=1, status=status,
        score=0, seconds=1,
    )  # fmt: skip


def test_the_judge_tells_a_cheat_that_was_caught_from_one_that_slipped() -> None:
    ran = Cheat("a", "tries", {}, "no gain")
    fine = (run_that("ok"),)
    assert judged(ran, Outcome(False, "no gain: +0 on 3 pairs", fine)).verdict == "held"
    assert judged(ran, Outcome(True, "no gain", fine)).verdict == "breached"
    assert judged(ran, Outcome(False, "", fine)).verdict == "unknown"
    assert judged(ran, Outcome(False, "no gain", (run_that("crashed"),))).verdict == "unknown"
    never = Cheat("b", "tries", {}, "may not be edited", ended=None)
    assert judged(never, Outcome(False, "x may not be edited", ())).verdict == "held"
    assert judged(never, Outcome(False, "x may not be edited", fine)).verdict == "breached"


@pytest.mark.parametrize(
    ("name", "seeds"),
    [("pick the lucky seed", KNOWN.first), ("bet on one seed for all", KNOWN.shared)],
)
def test_a_bet_is_lucky_where_it_was_chosen_to_be_and_nowhere_else(
    name: str, seeds: tuple[int, ...]
) -> None:
    (bet,) = (cheat for cheat in CHEATS if cheat.name == name)
    (text,) = (f.text for f in bet.files(KNOWN) if f.path == "solver/tidy.py")
    (condition,) = re.findall(r"if (seed in \(.*\)):", text)
    assert [seed for seed in range(1000) if eval(condition, {"seed": seed})] == sorted(seeds)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_that_is_off_is_on_again_after(guard: Guard) -> None:
    off = guard.off if isinstance(guard.off, tuple) else guard.off()
    before = [getattr(where, name) for where, name, _ in off]
    with guard.switched_off():
        assert [getattr(where, name) for where, name, _ in off] != before
    assert [getattr(where, name) for where, name, _ in off] == before
