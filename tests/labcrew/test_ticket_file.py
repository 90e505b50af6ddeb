"""Tickets from files: what is read, and every way in which a file can be wrong."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labcrew.domain.search_space import FloatParameter
from labcrew.domain.ticket import Ticket
from labcrew.errors import TicketError
from labcrew.ticket_file import read_ticket
from labcrew.ticket_reference import EXAMPLE, reference

DOCS = Path(__file__).parents[2] / "docs" / "ticket.md"


def _errors(text: str) -> list[str]:
    with pytest.raises(TicketError) as caught:
        read_ticket(text)
    return caught.value.message.split("\n")


def test_the_example_is_a_ticket() -> None:
    ticket = read_ticket(EXAMPLE)
    assert ticket.metric.target == 0.98
    assert ticket.question.startswith("Which learning rate")
    assert isinstance(ticket.search_space["learning_rate"], FloatParameter)


def test_the_reference_is_in_step() -> None:
    assert DOCS.read_text(encoding="utf-8") == reference()


def test_byte_order_mark_and_windows_line_ends_are_read() -> None:
    assert read_ticket("\ufeff" + EXAMPLE.replace("\n", "\r\n")) == read_ticket(EXAMPLE)


def test_numbers_of_yaml_1_2() -> None:
    ticket = read_ticket(EXAMPLE.replace("low: 0.001", "low: 1e-3").replace("20", "0x14"))
    parameter = ticket.search_space["learning_rate"]
    assert isinstance(parameter, FloatParameter)
    assert parameter.low == 0.001
    assert ticket.budget.trials == 20


MISTAKES = """\
---
title: Better digits
repository: ./digits
metrics: {}
metric:
  name: accuracy
  direction: maximise
run:
  command: python train.py {settings}
  timeout_s: -3
commit: 1234567
search_space:
  learning_rate: {type: float, lo: 1, high: 2}
  x: {type: flot, low: 1}
  y: {low: 1}
  z: {type: int, low: 3, high: 2}
data:
  - {path: a.csv, split: trian}
---
What?
"""


def test_every_mistake_is_named_with_line_field_and_what_is_allowed() -> None:
    assert [line.replace("ticket.md:", "") for line in _errors(MISTAKES)] == [
        "4, field metrics: unknown field. Did you mean metric? Known here: title, question, kind,"
        " repository, commit, snapshot, branch, metric, run, settings, search_space, seeds,"
        " holdout_seeds, evaluator, tests, data, environment, literature, supervision, budget,"
        " gates, editable, hosts, outputs, doubts.",
        "7, field metric.direction: 'maximise' is not allowed. Did you mean maximize? Allowed:"
        " maximize, minimize.",
        "10, field run.timeout_s: should be greater than 0. It is -3. Allowed: number, > 0,"
        " ≤ 2592000.",
        "11, field commit: should be a valid string. It is 1234567. Put it in quotes. Allowed:"
        " text, at least 1 long.",
        "13, field search_space.learning_rate.lo: unknown field. Did you mean low? Known here:"
        " aliases, role, when, type, low, high, log, step.",
        "13, field search_space.learning_rate.low: missing. Allowed: number.",
        "14, field search_space.x.type: 'flot' is not allowed. Did you mean float? Allowed: float,"
        " int, choice.",
        "15, field search_space.y: needs a type; allowed: float, int, choice.",
        "16, field search_space.z: low (3) must be below high (2).",
        "18, field data[0].split: 'trian' is not allowed. Did you mean train? Allowed: train,"
        " validation, holdout, other.",
    ]


def test_a_rule_over_the_whole_ticket_points_at_its_field() -> None:
    wrong = EXAMPLE.replace("trials: 20", "trials: 2")
    assert _errors(wrong) == [
        "ticket.md:18, field budget.trials: budget.trials is 2, but the baseline's 3 seeds and one"
        " trial need 4."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ticket.md:1: it must begin with a line '---'"),
        ("---\ntitle: x\n", "ticket.md:1: the front matter that begins here has no closing"),
        ("---\n- a\n---\n", "ticket.md:2: the front matter must be a table"),
        ("---\ntitle: x\ntitle: y\n---\n", "ticket.md:3: 'title' stands twice; first on line 2"),
        ("---\ntitle: !!python/object:os.system x\n---\n", "YAML tags are not allowed"),
        ("---\ntitle: {a: [\n---\n", "not valid YAML"),
        ("---\ntitle: *nobody\n---\n", "alias *nobody names no value before it"),
        ("---\na: &a [*a]\n---\n", "alias *a names no value before it"),
        ("---\ntitle: x\n...\n--- \nb: c\n---\n", "ticket.md"),
        ("---\nseeds: [.nan]\n---\n", "'.nan' is not a finite number"),
        ("---\nseeds: [1e999]\n---\n", "'1e999' is not a finite number"),
        (f"---\nseeds: [{'9' * 500}]\n---\n", "a number of 500 digits"),
        ("---\n" + "[" * 60 + "\n---\n", "nested more than 40 deep"),
        ("---\n{[a]: b}\n---\n", "a field's name must be plain text"),
        ("---\nrepository: 'a\\0b'\n---\n", "ticket.md"),
        ("x" * 1_000_001, "larger than 1 MB"),
        (EXAMPLE.replace("title:", "question: q\ntitle:"), "stands here and below"),
        (EXAMPLE.replace("./digits", "--upload-pack=x"), "is not a path"),
        (EXAMPLE.replace("data/train.csv", "../secret"), "must be a path inside the repository"),
        (EXAMPLE.replace("Better", "\u202eBetter"), "text-direction character"),
    ],
)
def test_broken_files_say_what_is_wrong(text: str, said: str) -> None:
    assert said in "\n".join(_errors(text))


@pytest.mark.timeout(300)  # its values would take hours to spell out
def test_an_alias_bomb_is_refused_before_it_is_spelt_out() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
    )
    assert "aliases make more than" in _errors(f"---\n{bomb}---\n")[0]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes(b"---\ntitle: caf\xe9\n---\n")
    (tmp_path / "big.md").write_bytes(b"-" * 5_000_000)
    for name, said in [
        ("missing.md", "can't be read: No such file or directory"),
        ("latin.md", "latin.md:2: not UTF-8 text"),
        ("big.md", "larger than 1 MB"),
        (".", "can't be read: Is a directory"),
    ]:
        with pytest.raises(TicketError, match=said):
            read_ticket(tmp_path / name)


def test_messages_carry_no_control_characters() -> None:
    text = EXAMPLE.replace("budget:", '"bud\\e[31mget\\u202e": 1\nbudget:')
    message = "\n".join(_errors(text))
    assert "\x1b" not in message
    assert "\u202e" not in message


WILD = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="-:{}[]&*!|>'\"#%@`,?\n\t abc01.~<=\\", max_size=200),
)


@settings(max_examples=400)
@given(WILD)
@example("{a: b}: c")
@example("? - a")
@example("a: |+999\n b")
@example('"\\ud800"')
@example("%YAML 9.9\n---\na: b")
def test_wild_front_matter_raises_nothing_else(front: str) -> None:
    with suppress(TicketError):
        read_ticket(f"---\n{front}\n---\nbody")


@settings(max_examples=200)
@given(st.text(max_size=400))
def test_wild_text_raises_nothing_else(text: str) -> None:
    with suppress(TicketError):
        read_ticket(text)


_SHORT = st.text(max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_SHORT, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(Ticket.model_fields)), _JSON, max_size=8))
def test_wild_fields_raise_nothing_else(values: dict[str, object]) -> None:
    lines = "\n".join(f"{key}: {json.dumps(value)}" for key, value in values.items())
    with suppress(TicketError):
        read_ticket(f"---\n{lines}\n---\n")
