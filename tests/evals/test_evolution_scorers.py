"""The targets' scorers: exact where exactness counts, and nothing hostile scores."""

import json
import math
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evals.evolution.targets.designer.landscapes import landscape
from tests.evals.evolution_targets import scored, script

PACKING = script("packing/scorer/score.py")
RANKING = script("ranking/scorer/score.py")
SQUARE = {"count": 26, "side": 1}
HIDDEN = {"loader": "csv", "preprocessor": "none", "algorithm": "tree", "formatter": "text"}
LAND: dict[str, Any] = {"landscape": landscape("bowl", 1), "searches": 2}
RANKED = {"count": 5, "answers": [[0, 1], [2]]}

HOSTILE = [
    None,
    b"",
    b"{",
    b"null",
    b"[]",
    b"3.5",
    b'"score"',
    b'{"score": 1}',
    b"\xff\xfe\x00",
    b"[" * 60_000,
    b"9" * 50_000,
    b" " * 70_000,
    b'{"circles": NaN}',
    b'{"circles": null}',
    json.dumps({"circles": [[0.5, 0.5, math.inf]] * 26}).encode(),
    json.dumps({"circles": [[0.5, 0.5, math.nan]] * 26}).encode(),
    json.dumps({"circles": [[0.5, 0.5, "0.1"]] * 26}).encode(),
    json.dumps({"circles": [[0.5, 0.5, True]] * 26}).encode(),
    json.dumps({"circles": [[0.5, 0.5, 10**400]] * 26}).encode(),
    json.dumps({"circles": [[0.5, 0.5]] * 26}).encode(),
    json.dumps({"circles": [[0.5, 0.5, 0.1]] * 25}).encode(),
    json.dumps({"circles": [[0.5, 0.5, 0.1]] * 26}).encode(),
    json.dumps({"circles": [[0.5, 0.5, -0.1]] * 26}).encode(),
    json.dumps({**HIDDEN, "more": "x"}).encode(),
    json.dumps({place: [name] for place, name in HIDDEN.items()}).encode(),
    json.dumps([[0, 0], [2]]).encode(),
    json.dumps([[0, 7], [2]]).encode(),
    json.dumps([[-1], [2]]).encode(),
    json.dumps([[True, 0], [2]]).encode(),
    json.dumps([[0.0], [2]]).encode(),
    json.dumps([[0, 1]]).encode(),
    json.dumps([list(range(13)), [2]]).encode(),
]


@pytest.mark.parametrize("output", HOSTILE, ids=lambda o: repr(o)[:40])
@pytest.mark.parametrize(
    ("target", "answer"),
    [("packing", SQUARE), ("kmodule", HIDDEN), ("ranking", RANKED), ("designer", LAND)],
)
def test_what_is_no_answer_scores_nothing(
    target: str, answer: Any, output: bytes | None, tmp_path: Path
) -> None:
    made = scored(target, tmp_path, answer, output)
    assert made["score"] == 0
    assert made["why"]
    assert len(made["why"]) <= 300


def grid(radius: float) -> list[list[float]]:
    """26 circles in rows of six that touch from radius 1/12 on."""
    return [[(k % 6 * 2 + 1) / 12, (k // 6 * 2 + 1) / 12, radius] for k in range(26)]


def test_circles_may_touch_and_nothing_more(tmp_path: Path) -> None:
    fine = [[0.25, 0.25, 0.25], [0.75, 0.25, 0.25], *[[0.5, 0.75, 0.0]] * 24]
    made = scored("packing", tmp_path, SQUARE, json.dumps({"circles": fine}).encode())
    assert made["score"] == 0.5
    fine[1][2] = math.nextafter(0.25, 1)
    made = scored("packing", tmp_path, SQUARE, json.dumps({"circles": fine}).encode())
    assert made["score"] == 0


def test_a_square_without_area_holds_nothing(tmp_path: Path) -> None:
    output = json.dumps({"circles": grid(0.08)}).encode()
    assert scored("packing", tmp_path, SQUARE, output)["score"] == pytest.approx(26 * 0.08)
    assert scored("packing", tmp_path, {"count": 26, "side": 0}, output)["score"] == 0


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.floats(1e-16, 0.2), st.sampled_from(("in", "out", "over")))
def test_the_checker_agrees_with_how_a_packing_was_made(seed: int, size: float, kind: str) -> None:
    """Two circles at an exact distance, moved about by powers of two: valid, sticking out, or
    overlapping by one unit in the last place."""
    radius = Fraction(math.ldexp(1, round(math.log2(size))))
    assume(radius <= Fraction(1, 16))
    draw = Random(seed)
    x, y = Fraction(draw.randrange(1, 4), 4), Fraction(draw.randrange(1, 4), 4)
    near = (x - radius, y, radius)
    touching = (x + radius, y, radius)
    if kind == "in":
        assert PACKING.total([near, touching], Fraction(1)) == 2 * radius
    elif kind == "over":
        more = Fraction(math.nextafter(float(radius), 1))
        with pytest.raises(ValueError, match="overlap"):
            PACKING.total([near, (x + radius, y, more)], Fraction(1))
    else:
        with pytest.raises(ValueError, match="sticks out"):
            PACKING.total([(Fraction(math.nextafter(float(radius), 0)), y, radius)], Fraction(1))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(-0.2, 1.2), st.floats(-0.2, 1.2), st.floats(0, 0.6)),
        min_size=26,
        max_size=26,
    )
)
def test_whatever_a_program_finds_leaves_it_as_a_packing(found: list[tuple[float, ...]]) -> None:
    np = pytest.importorskip("numpy")
    separate = separated()
    circles = np.array(found)
    centres, radii = separate(circles[:, :2], circles[:, 2])
    inside = [
        (x, y, r) for (x, y), r in zip(centres, radii, strict=True) if 0 <= x <= 1 and 0 <= y <= 1
    ]
    text = json.dumps({"circles": [[float(v) for v in circle] for circle in inside]})
    exact = PACKING.circles_of(text, len(inside))
    # No circle can have more than the bound that the spec states.
    assert PACKING.total(exact, Fraction(1)) <= Fraction(288, 100)


def separated() -> Any:
    import sys

    from evals.evolution.make import TARGETS

    folder = str(TARGETS / "packing" / "program")
    sys.path.insert(0, folder)
    try:
        return script("packing/program/main.py").separate
    finally:
        sys.path.remove(folder)
        sys.modules.pop("pack", None)


def test_modules_are_counted_and_not_named(tmp_path: Path) -> None:
    for right, place in enumerate(("", *HIDDEN)):
        pipeline = {p: HIDDEN[p] if p in list(HIDDEN)[:right] else "?" for p in HIDDEN}
        made = scored("kmodule", tmp_path, HIDDEN, json.dumps(pipeline).encode())
        assert made["score"] == right / 4
        assert not place or place not in made["why"]
        assert not any(name in made["why"] for name in HIDDEN.values())


def test_the_best_order_is_worth_one_and_later_places_less(tmp_path: Path) -> None:
    best = scored("ranking", tmp_path, RANKED, b"[[1, 0, 4], [2]]")
    assert best["score"] == pytest.approx(1)
    later = scored("ranking", tmp_path, RANKED, b"[[1, 4, 0], [4, 2]]")
    assert 0 < later["score"] < 1
    assert scored("ranking", tmp_path, RANKED, b"[[], []]")["score"] == 0


@given(st.permutations(range(12)), st.sets(st.integers(0, 11), min_size=1))
def test_ndcg_grows_when_an_answer_moves_up(order: list[int], answers: set[int]) -> None:
    value = RANKING.ndcg(order, answers)
    assert 0 <= value <= 1 + 1e-12
    for place in range(1, len(order)):
        if order[place] in answers and order[place - 1] not in answers:
            moved = [*order]
            moved[place - 1], moved[place] = moved[place], moved[place - 1]
            assert RANKING.ndcg(moved, answers) > value


def settings_of(**changes: object) -> dict[str, object]:
    numbers = LAND["landscape"]["numbers"]
    return {f"x{k}": n["high"] for k, n in enumerate(numbers)} | {"choice": 0} | changes


@pytest.mark.parametrize(
    "found",
    [
        [settings_of()],
        [settings_of()] * 3,
        [settings_of(), settings_of(x0=2.0)],
        [settings_of(), settings_of(x0=True)],
        [settings_of(), settings_of(x0="1")],
        [settings_of(), settings_of(x0=10**400)],
        [settings_of(), settings_of(x0=math.nan)],
        [settings_of(), settings_of(choice=3)],
        [settings_of(), settings_of(choice=True)],
        [settings_of(), settings_of(choice=[])],
        [settings_of(), settings_of(score=1)],
        [settings_of(), {}],
    ],
    ids=repr,
)
def test_settings_outside_the_space_are_worth_nothing(found: object, tmp_path: Path) -> None:
    assert scored("designer", tmp_path, LAND, json.dumps(found).encode())["score"] == 0


def test_settings_are_worth_what_the_landscape_says(tmp_path: Path) -> None:
    numbers = LAND["landscape"]["numbers"]
    best = {
        f"x{k}": n["low"] * (n["high"] / n["low"]) ** n["best"] if n["log"] else n["best"]
        for k, n in enumerate(numbers)
    }
    best["choice"] = LAND["landscape"]["lost"].index(0.0)
    made = scored("designer", tmp_path, LAND, json.dumps([best, best]).encode())
    assert made["score"] == pytest.approx(1)
