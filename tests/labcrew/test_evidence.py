"""Numbers by reference, and text of others beside them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.measuring import Metric
from labcrew.domain.review import Evidence
from labcrew.errors import EvidenceError
from labcrew.evidence import agrees, as_code, as_text, compute, fill, number, unescaped
from tests.tickets import make_score

UP = Metric(name="accuracy", direction="maximize")
DOWN = Metric(name="loss", direction="minimize")
KEYS = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True)


def evidence(key: str, value: float, digits: int = 4) -> Evidence:
    return Evidence(key=key, value=value, digits=digits, statistic="value", scores=())


@pytest.mark.parametrize(
    ("metric", "statistic", "expected"),
    [
        (UP, "value", 0.9),
        (UP, "mean", 0.8),
        (UP, "std", 0.1),
        (UP, "gain", 0.3),
        (DOWN, "gain", -0.3),
    ],
)
def test_statistics(metric: Metric, statistic: str, expected: float) -> None:
    found = compute(metric, statistic, [0.9, 0.8, 0.7], [0.4, 0.5, 0.6])  # type: ignore[arg-type]
    assert found == pytest.approx(expected)


def test_bounds_lie_around_the_gain_in_both_directions() -> None:
    for metric in (UP, DOWN):
        low, gain, high = (
            compute(metric, statistic, [0.9, 0.8, 0.7], [0.4, 0.5, 0.6])
            for statistic in ("gain_low", "gain", "gain_high")
        )
        assert low < gain < high
    assert compute(UP, "std", [0.5]) == 0


@pytest.mark.parametrize(
    ("statistic", "new", "old"),
    [
        ("mean", [], []),
        ("gain", [1.0], []),
        ("gain_low", [1.0], [0.5]),
        ("mean", [1.7e308, 1.7e308], []),
        ("gain_high", [1e300, -1e300], [0.0, 1.0]),
    ],
)
def test_what_cannot_be_computed_is_said(
    statistic: str, new: list[float], old: list[float]
) -> None:
    with pytest.raises(EvidenceError):
        compute(UP, statistic, new, old)  # type: ignore[arg-type]


def test_a_number_carries_what_it_rests_on() -> None:
    scores, against = [make_score(0.9)], [make_score(0.5)]
    made = number(UP, "gain", "gain", scores, against, digits=2)
    assert (made.rendered(), made.scores, made.against) == ("0.40", tuple(scores), tuple(against))


@given(st.dictionaries(KEYS, st.floats(-1e6, 1e6), min_size=1), st.data())
def test_every_reference_is_filled_and_nothing_else_changes(
    known: dict[str, float], data: st.DataObject
) -> None:
    plain = st.text(st.characters(exclude_characters="{}"), max_size=8)
    parts = data.draw(st.lists(st.tuples(plain, st.sampled_from(sorted(known)))))
    template = "".join(f"{text}{{{{{key}}}}}" for text, key in parts)
    expected = "".join(f"{text}{known[key]:.4f}" for text, key in parts)
    assert fill(template, [evidence(k, v) for k, v in known.items()]) == expected


def test_a_reference_without_a_number_stops_the_merge_request() -> None:
    with pytest.raises(EvidenceError, match="refers to t9"):
        fill("{{t9}}", [evidence("t1", 1)])
    assert fill("{t9} {{T9}} {{}}", []) == "{t9} {{T9}} {{}}"


@given(st.text(), st.integers(2, 50))
def test_text_of_others_is_one_safe_line(text: str, cap: int) -> None:
    safe = as_text(text, cap)
    assert "\n" not in safe
    assert safe.replace("@\u2060", "@").isprintable()
    assert "{{" not in safe
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|]", safe)
    assert fill(safe, []) == safe
    assert fill(as_code(text, cap), []) == as_code(text, cap)


def test_what_a_renderer_would_make_a_link_of_is_broken() -> None:
    safe = as_text("see HTTPS://evil.example www.evil.example a@evil.example @team")
    assert not re.search(r"(?<!\\)://", safe)
    assert "www." not in safe
    assert not re.search(r"@\w", safe)
    assert as_text("\x1b[31mred\u202e") == "\\[31mred"


@given(st.text())
def test_a_terminal_reads_what_was_written(text: str) -> None:
    words = "".join(c for c in " ".join(text.split()) if c.isprintable())
    assert unescaped(as_text(text, cap=len(text) + 1)) == words


def test_a_terminal_reads_code_as_it_is() -> None:
    code = "    re.split(r'\\[\\.', x)"
    fenced = "```diff\n+ r'\\#'\n```"
    span = as_code("grep '\\.' log")
    shown = unescaped(f"a\\_b runs {span}:\n\n{code}\n\n{fenced}\nc\\_d \\`e\\_f\\`")
    assert shown == f"a_b runs {span}:\n\n{code}\n\n{fenced}\nc_d `e_f`"


def test_code_stays_code_unless_it_would_break_out() -> None:
    assert as_code("python train.py {settings}") == "`python train.py {settings}`"
    for text in ("a`b", "a|b", "{{t1}}", ""):
        assert as_code(text) == as_text(text)
    assert as_code("a\n b") == "`a b`"


def test_rounding_is_of_the_scores_size_and_no_larger() -> None:
    assert agrees(0.3, 0.1 + 0.2, [0.1, 0.2])
    assert agrees(0.0, 1e-12, [0.1 + 0.2, 0.3]), "a gain of equal scores"
    assert not agrees(3e-10, 4e-10, [3e-10]), "small losses are numbers too"
    assert agrees(0.0, 0.0, [])
