"""The picture of a loop says what the ledger says."""

from random import Random
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.domain.evolution import (
    Analysis,
    Comparison,
    Evolution,
    NoiseFloor,
    Round,
    Sealed,
    Verdict,
    round_id,
)
from labcrew.domain.evolution_spec import EvolutionSpec, KeepRule, Program, Scale, Scorer
from tools.evolution.plots import progress_png, progress_svg


def evolution(
    *, direction: str = "maximize", name: str = "share solved", measured: bool = True
) -> Evolution:
    spec = EvolutionSpec(
        title="t",
        repository="repository",
        editable=("program/*.py",),
        program=Program(command="python main.py {input} {output}"),
        scorer=Scorer(command="python score.py {runs} {scores}", private=("scorer/**",)),
        cases="cases.jsonl",
        metric=Scale.model_validate({"name": name, "direction": direction, "low": 0, "high": 1}),
    )
    noise = NoiseFloor(
        pairs=32, std=0.2, case_std=0.3, mean=0.3, difference=0.01, detectable=0.08, needed=40,
        worthwhile=0.05, deterministic=False,
    )  # fmt: skip
    gain = Comparison(pairs=48, gain=0.152, low=0.06, high=0.244, level=0.975, better=20, worse=4)
    sealed = Sealed(
        comparison=gain,
        baseline=0.312,
        final=0.464,
        relative=0.487,
        seeds=3,
        hindsight=0.47,
        opened=4,
        gate=0.49,
    )
    return Evolution(
        id="E-001",
        repository="/repository",
        base_commit="0" * 40,
        spec=spec,
        source="SPEC.md",
        started_by="somebody",
        started_at="2026-01-01T00:00:00+00:00",
        target_branch="main",
        secret="00",
        noise=noise if measured else None,
        sealed=sealed if measured else None,
    )


def a_round(number: int, score: float | None, verdict: Verdict | None) -> Round:
    return Round(
        id=round_id("E-001", number),
        ticket="E-001",
        number=number,
        status="noted",
        champion="0",
        analysis=Analysis(mean=0.3, failures=(), summary=""),
        verdict=verdict,
        score=score,
        began_at="2026-01-01T00:00:00+00:00",
    )


def a_history(count: int = 100) -> list[Round]:
    random, champion, made = Random(1), 0.3, []
    for number in range(1, count + 1):
        score = champion + random.gauss(-0.03, 0.06)
        verdict: Verdict = "reverted"
        if number % 17 == 0:
            champion += 0.03
            score, verdict = champion + 0.01, "kept"
        if number % 11 == 0:
            made.append(a_round(number, None, "refused"))
            continue
        made.append(a_round(number, 0.0 if number % 13 == 0 else score, verdict))
    return made


def text_of(svg: bytes) -> str:
    return " ".join(node.text or "" for node in ET.fromstring(svg).iter())


def test_the_same_rounds_in_any_order_give_the_same_bytes() -> None:
    rounds = a_history()
    shuffled = sorted(rounds, key=lambda r: r.number % 7)
    assert progress_svg(evolution(), rounds) == progress_svg(evolution(), shuffled)


def test_it_shows_what_was_kept_the_noise_and_both_sealed_means() -> None:
    svg = progress_svg(evolution(), a_history())
    shown = text_of(svg)
    for words in (
        "noise of the baseline", "kept", "reverted", "not run, or far worse",
        "share solved", "Sealed split", "0.312", "0.464", "hindsight", "higher is better",
    ):  # fmt: skip
        assert words in shown
    green = sum(
        "fill: #0a7d5a" in node.get("style", "")
        for node in ET.fromstring(svg).iter()
        if node.tag.endswith("}use")
    )
    in_legend, sealed = 1, 1
    assert green == sum(r.verdict == "kept" for r in a_history()) + in_legend + sealed


@pytest.mark.parametrize(
    ("cases", "keep"), [(16, (1, 2)), (4, (4, 4)), (20, (1, 4)), (16, (1, 10))]
)
def test_one_look_in_twenty_at_the_same_program_lies_outside_the_band(
    cases: int, keep: tuple[int, int]
) -> None:
    import numpy as np

    rule = KeepRule(seeds=keep[0], noise_seeds=keep[1])
    random, tries = np.random.default_rng(7), 20_000
    pairs = cases * rule.noise_seeds
    floor = evolution().noise
    assert floor is not None
    floor = floor.model_copy(update={"pairs": pairs, "std": 2**0.5})
    means = random.normal(size=(tries, 2 * pairs)).mean(1)
    looks = random.normal(size=(tries, cases * rule.seeds)).mean(1)
    outside = float((abs(looks - means) > floor.band(rule)).mean())
    assert 0.045 < outside < 0.055


def test_before_the_end_there_is_no_sealed_panel() -> None:
    shown = text_of(progress_svg(evolution(measured=False), a_history(5)))
    assert "Sealed" not in shown
    assert "baseline" not in shown


def test_a_score_to_be_made_small_says_so() -> None:
    assert "lower is better" in text_of(progress_svg(evolution(direction="minimize"), a_history()))


SCORES = st.none() | st.floats(min_value=0, max_value=1)
VERDICTS = st.sampled_from((None, "kept", "reverted", "refused", "dropped", "halted"))


@settings(max_examples=20)  # a drawing takes tenths of a second
@given(st.lists(st.tuples(SCORES, VERDICTS), max_size=8), st.text(min_size=1, max_size=80))
def test_any_history_and_any_name_make_sound_xml(
    history: list[tuple[float | None, Verdict | None]], name: str
) -> None:
    rounds = [a_round(number, *each) for number, each in enumerate(history, 1)]
    ET.fromstring(progress_svg(evolution(name=name), rounds))


def test_there_is_one_in_pixels() -> None:
    assert progress_png(evolution(), a_history(20)).startswith(b"\x89PNG")
