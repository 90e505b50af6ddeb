"""The battery's output part on this machine's engine; and that its eye for harm is sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.attacks.battery import attack
from evals.attacks.output.part import OUTPUT
from evals.attacks.output.payloads import PAYLOADS, harm, printing
from evals.attacks.table import complaints
from evals.lab import bare_bench
from sandboxes.text import clean


def test_output_reaches_people_and_stores_harmless() -> None:
    with bare_bench() as bench:
        report = attack(bench, [OUTPUT])
    assert complaints(report) == []
    assert report.passed


@pytest.mark.parametrize("name", PAYLOADS)
def test_each_payload_is_made_harmless(name: str) -> None:
    assert harm(clean(printing(PAYLOADS[name]))) == ""


def test_most_payloads_harm_when_nothing_is_done() -> None:
    raw = {name: printing(payload).decode("utf-8", "replace") for name, payload in PAYLOADS.items()}
    harmless = {name for name, text in raw.items() if not harm(text, shown=True)}
    # What Python's decoder alone makes harmless.
    assert harmless == {
        "invalid UTF-8", "overlong encodings", "surrogates", "beyond Unicode"
    } | {name for name in harmless if name.startswith("raw")}  # fmt: skip


@given(st.text(alphabet=st.characters(codec=None), max_size=80))
def test_whatever_is_cleaned_is_harmless(text: str) -> None:
    assert harm(f"before\n{clean(text)}\nafter") == ""
    assert clean(clean(text)) == clean(text)
