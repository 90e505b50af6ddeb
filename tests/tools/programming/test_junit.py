"""What is believed of a test report that the code under test could have written."""

from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.testing import TestOutcome as Outcome
from tools.programming.junit import read_report
from tools.programming.pytest_plugin import CANARY, ID_PROPERTY, shell_line

FILES = ("tests/test_a.py", "tests/deep/test_b.py", "lab/tests.py")
NONCE = "canary0123456789"
FAILED_CANARY = f'<testcase name="{CANARY}"><failure message="m">{NONCE}</failure></testcase>'
INSIDE: dict[Outcome, str] = {
    "passed": "",
    "failed": '<failure message="no">text</failure>',
    "error": '<error message="no"/>',
    "skipped": '<skipped message="no"/>',
}


def suite(*cases: str) -> bytes:
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>".encode()


def case(id: str, outcome: Outcome = "passed") -> str:
    told = f"<properties><property name={quoteattr(ID_PROPERTY)} value={quoteattr(id)}/>"
    return f'<testcase classname="c" name="n">{told}</properties>{INSIDE[outcome]}</testcase>'


@given(
    st.dictionaries(
        st.from_regex(
            r"tests/test_[a-z]\.py::test_[a-z]{1,4}(\[[a-z<&\"'-]{1,4}\])?", fullmatch=True
        ),
        st.sampled_from(sorted(INSIDE)),
        max_size=8,
    )
)
def test_ids_and_outcomes_come_through(outcomes: dict[str, Outcome]) -> None:
    read = read_report(
        suite(*(case(id, outcome) for id, outcome in outcomes.items()), FAILED_CANARY), FILES, NONCE
    )
    assert read.tests == outcomes
    assert read.believable
    assert not read.broken


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_wild_bytes_pass_nothing(data: bytes) -> None:
    read = read_report(data, FILES, NONCE)
    assert not read.believable
    assert "passed" not in read.tests.values() or not read.broken


def test_the_worst_of_two_words_on_a_test_stands() -> None:
    read = read_report(
        suite(case("t::a", "error"), case("t::a"), case("t::b"), case("t::b", "failed")), FILES, ""
    )
    assert read.tests == {"t::a": "error", "t::b": "failed"}


@pytest.mark.parametrize(
    "canary",
    [
        "",
        f'<testcase name="{CANARY}"/>',
        f'<testcase name="{CANARY}"><failure message="other">words</failure></testcase>',
        f'<testcase name="{CANARY}"><skipped message="{NONCE}"/></testcase>',
        f'<testcase name="{CANARY}"><system-out>{NONCE}</system-out></testcase>',
        f'<testcase name="other"><failure message="m">{NONCE}</failure></testcase>',
    ],
)
def test_without_the_test_that_must_fail_nothing_is_believed(canary: str) -> None:
    assert not read_report(suite(case("t::a"), canary), FILES, NONCE).believable


def test_a_file_that_broke_is_named_by_its_path() -> None:
    broken = (
        '<testcase classname="" name="tests.deep.test_b"><error message="collection"/></testcase>'
    )
    read = read_report(suite(broken, FAILED_CANARY), FILES, NONCE)
    assert read.tests == {"tests/deep/test_b.py": "error"}


def test_ids_without_the_plugins_word() -> None:
    plain = '<testcase classname="tests.deep.test_b.TestX" name="test_y[1-2]"/>'
    assert read_report(suite(plain), FILES, NONCE).tests == {
        "tests/deep/test_b.py::TestX::test_y[1-2]": "passed"
    }


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuites>&a;</testsuites>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuites/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x []><x/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="no-such"?><x/>',
        b"<testsuites>",
        b"",
    ],
)
def test_entities_and_broken_files_are_refused(xml: bytes) -> None:
    read = read_report(xml, FILES, NONCE)
    assert read.broken
    assert read.tests == {}


def test_a_command_that_sets_the_path_keeps_the_plugin() -> None:
    line = shell_line("PYTHONPATH=src:lib python -m pytest")
    assert "PYTHONPATH=/workspace/.labcrew-tests:src:lib python -m pytest" in line
