"""The description: what it shows, and that nobody's text breaks out of its place in it."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agents.description import write
from agents.merge_request import numbers
from labcrew.domain.experiment import NO_HOURS_LEFT
from labcrew.evidence import fill
from tests.packets import CARD, make_packet, scores
from tests.tickets import make_assigned, make_trial

MARKDOWN = MarkdownIt("commonmark").enable("table")
NASTY = (
    "<script>alert(1)</script>", "<!--", "[x](http://evil.example)", "![x](http://evil.example)",
    "http://evil.example", "www.evil.example", "{{t0}}", "{{nothing}}", "|", "`", "``", "\\", "\\`",
    "\n\n# Approved\n", "\r\n- item", "* ", "~~~", "**", "__", "&lt;", "&#60;", "\u2028",
    "\x1b[31m",
    "\u202e", "1. ", "> ", "---", "[x]: http://evil.example", "<http://evil.example>", "@team",
)  # fmt: skip
HARMLESS = {"text", "code_inline", "strong_open", "strong_close", "softbreak"}


def described(text: str) -> str:
    packet = make_packet(text)
    return fill(write(packet), numbers(packet))


def test_what_no_hours_were_left_for_is_no_repeat_of_a_failure() -> None:
    repeat = make_trial(2, status="skipped", because="not run: T-0001-001", cites="T-0001-001")
    left = [
        make_trial(3 + n, status="skipped", because=NO_HOURS_LEFT, cites=finding)
        for n, finding in enumerate(("", "F1"))
    ]
    packet = make_packet("x", trials=(repeat, *left), incidents=())
    told = write(packet)
    assert "1 near-repeats of failed runs were not run again: T-0001-002 (see" in told
    assert "2 planned runs were not run, since the hours were spent: T-0001-003, T-0001-004" in told


def blocks(markdown: str) -> list[tuple[str, str]]:
    return [(token.type, token.tag) for token in MARKDOWN.parse(markdown)]


def inline(markdown: str) -> list[Token]:
    return [child for token in MARKDOWN.parse(markdown) for child in token.children or []]


@given(st.lists(st.sampled_from(NASTY) | st.text(max_size=6), min_size=1, max_size=6).map("".join))
@example("".join(NASTY))
@example("a`<b>`{{t0}}")
def test_text_of_others_never_leaves_its_place(text: str) -> None:
    markdown = described(f"x{text}")
    assert blocks(markdown) == blocks(described("x"))
    children = inline(markdown)
    assert {child.type for child in children} <= HARMLESS
    shown = "".join(child.content for child in children if child.type == "text")
    assert "\u202e" not in shown
    assert "\x1b" not in markdown
    # What a renderer with automatic links would look for in the source, escapes aside.
    plain = re.sub(r"`[^`\n]*`", "", markdown)
    assert not re.search(r"(?<!\\)://|\bwww\.|@\w", plain)


@pytest.mark.parametrize("text", NASTY)
def test_each_trick_alone(text: str) -> None:
    test_text_of_others_never_leaves_its_place.hypothesis.inner_test(text)  # type: ignore[attr-defined]


def test_everything_that_happened_is_told() -> None:
    text = described("said")
    for words in (
        "## Result", "0.9000 ± 0.0100", "## What changes", "| lr | 0.1 |", "`train.py`",
        "No default of lr was found", "## Trials", "as it is", "skipped: said", "failed: said",
        "## What went wrong on the way", "restart lower rate as T-0001-004 | yes", "stopped | -",
        "1 near-repeats of failed runs", "## Data", "9 rows, `cccccccccccc`", "1 duplicate",
        "## Sources", "local file", "## Smoke test", "passed", "From said: said", "## Cost",
        "labcrew mr verify T-0001-MR0",
    ):  # fmt: skip
        assert words in text, words


def test_a_file_that_was_not_read_has_no_number_of_rows() -> None:
    packet = make_packet(cards=(CARD.model_copy(update={"rows": 0}),))
    assert "| `data/train.csv` | train | not read |" in fill(write(packet), numbers(packet))


def test_what_seeds_can_not_tell_is_said() -> None:
    alike = make_packet(holdout_best=scores(0.86, 0.86), holdout_baseline=scores(0.84, 0.84))
    assert "the seeds change nothing" in fill(write(alike), numbers(alike))
    assert "the seeds change nothing" not in described("x")
    one = make_packet(holdout_best=scores(0.86), holdout_baseline=scores(0.84))
    assert "| holdout | 0.8400 | 0.8600 | 0.0200 |" in fill(write(one), numbers(one))


def test_a_mean_over_fewer_seeds_than_the_ticket_names_says_so() -> None:
    assert "alone: others gave no score" not in described("x")
    packet = make_packet(
        validation_baseline=scores(0.7), validation_cleaned=scores(0.8), holdout_best=scores(0.9)
    )
    text = fill(write(packet), numbers(packet))
    assert "The baseline's validation is over seed 0 alone: others gave no score." in text
    assert "This change's holdout is over seed 0 alone" in text
    assert "This change's validation is" not in text
    assert "Cleaning alone, with the program's own settings: validation 0.8000." in text


def test_without_a_score_before_no_gain_is_claimed() -> None:
    said = "KeyError: 'lr' | <b> {{holdout_best_mean}}"
    packet = make_packet(
        assigned=make_assigned(kind="fix", seeds=(0, 1, 2), holdout_seeds=(7, 8)),
        validation_baseline=(), holdout_baseline=(), validation_cleaned=(), quarantined=(),
        settings={}, gain=None, verdict="no_score_before", no_score_before=said,
    )  # fmt: skip
    text = fill(write(packet), numbers(packet))
    assert "| validation | no score | 0.9100 ± 0.0100 | - | score |" in text
    assert "| holdout | no score | 0.9000 ± 0.0100 | - | score |" in text
    assert (
        "**Before: no score.** The program as it is gave none: KeyError: 'lr' \\| \\<b\\>" in text
    )
    assert "no gain is claimed" in text
    assert "the changed program runs, with 3 seeds" in text
    assert "The fresh seeds 7, 8 were not run" in text
    assert "Welch" not in text
    assert not {item.key for item in numbers(packet) if "gain" in item.key}


@pytest.mark.parametrize("revision", [0, 1])
def test_a_later_revision_says_that_its_last_numbers_were_seen(revision: int) -> None:
    assigned = make_assigned(holdout_seeds=(7, 8)).model_copy(update={"revision": revision})
    nothing: dict[str, Any] = {"holdout_best": (), "holdout_baseline": ()}
    fresh = {"fresh_best": scores(0.9, 0.91), "fresh_baseline": scores(0.8, 0.81)}
    for changes, said in (
        ({}, "; the holdout was opened in 2 revisions"),
        (nothing | fresh, ". The comparison with them was made in 2 revisions"),
    ):
        packet = make_packet(assigned=assigned, paragraph="Well.", **changes)
        text = fill(write(packet), numbers(packet))
        assert (f"{said}, so it is no longer unseen: " in text) is bool(revision)


def test_what_did_not_happen_is_left_out() -> None:
    packet = make_packet(
        incidents=(), cards=(), findings=(), quarantined=(), comments=(), smoke=None,
        settings={}, changed_files=(), unplaced=(), holdout_best=(), holdout_baseline=(),
        trials=(make_trial(0, 0.5),), paragraph="Well.",
    )  # fmt: skip
    text = fill(write(packet), numbers(packet))
    for words in ("went wrong", "## Data", "## Sources", "## Comments", "| holdout", "opened once"):
        assert words not in text
    assert "Not run yet." in text


def test_reported_numbers_are_called_so() -> None:
    reported = tuple(s.model_copy(update={"source": "reported"}) for s in scores(0.8, 0.9))
    packet = make_packet(validation_best=reported, validation_baseline=reported)
    assert "reported, not verified" in write(packet)


def test_of_many_incidents_the_first_are_told_and_the_rest_counted() -> None:
    incident = make_packet().incidents[0]
    many = tuple(incident.model_copy(update={"trial": f"T-0001-{n:03d}"}) for n in range(63))
    told = write(make_packet(incidents=many))
    assert told.count("| diverged |") == 60
    assert "\n\n3 more are in the ledger.\n" in told
    assert "more are in the ledger" not in write(make_packet(incidents=many[:60]))


def test_a_failed_smoke_test_stands_out() -> None:
    packet = make_packet()
    assert packet.smoke is not None
    broken = packet.smoke.model_copy(update={"passed": False})
    assert "**failed**" in write(packet.model_copy(update={"smoke": broken}))


def test_many_trials_are_cut_and_counted() -> None:
    packet = make_packet(trials=tuple(make_trial(n, 0.5) for n in range(75)))
    text = write(packet)
    assert "15 more are in the ledger." in text
    assert "{{t59}}" in text
    assert "{{t60}}" not in text


def test_lower_is_better_is_said() -> None:
    metric = {"name": "loss", "direction": "minimize", "file": "m.jsonl"}
    assert "loss (lower is better)" in write(make_packet(assigned=make_assigned(metric=metric)))
