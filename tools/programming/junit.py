"""The report of a test run, as JUnit XML: untrusted bytes, read for test ids and outcomes alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from labcrew.domain.testing import TestOutcome
from labcrew.plain_text import HALVES, ODD
from tools.programming.pytest_plugin import CANARY, ID_PROPERTY

_TESTS = 20_000
_ID_CHARACTERS = 1000
_BADNESS: dict[TestOutcome, int] = {
    "passed": 0, "skipped": 1, "missing": 2, "failed": 3, "error": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Outcomes:
    """What a report says.

    Args:
        tests: test id → outcome.
        believable: whether the test that must fail did so, with its own words.
        broken: why nothing could be read; empty where something was.
    """

    tests: dict[str, TestOutcome] = field(default_factory=dict)
    believable: bool = False
    broken: str = ""


class _Builder(ET.TreeBuilder):
    """Refuses a document type: what an entity stands for is nobody's business here."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it has a document type")


def read_report(xml: bytes, files: Iterable[str], nonce: str) -> Outcomes:
    """The outcomes that a report holds; one that can't be read holds none.

    Args:
        xml: the file's bytes.
        files: the paths of the repository, by which a file that broke is told from its dotted name.
        nonce: what the failing test must have failed with.
    """
    parser = ET.XMLParser(target=_Builder())  # noqa: S314 - no document type, so no entities
    try:
        parser.feed(xml)
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        return Outcomes(broken=f"the report is no XML: {str(error)[:200]}")
    by_module = {_dotted(path): path for path in files if path.endswith(".py")}
    tests: dict[str, TestOutcome] = {}
    believable = False
    for case in root.iter("testcase"):
        outcome = _outcome(case)
        if case.get("name") == CANARY:
            told = [f"{e.get('message') or ''} {e.text or ''}" for e in case.findall("failure")]
            believable = outcome == "failed" and any(nonce in text for text in told)
            continue
        id = _id(case, by_module)
        if not id or (len(tests) >= _TESTS and id not in tests):
            continue
        known = tests.get(id)
        if known is None or _BADNESS[outcome] > _BADNESS[known]:
            tests[id] = outcome
    return Outcomes(tests=tests, believable=believable)


def _outcome(case: ET.Element) -> TestOutcome:
    for tag, outcome in _OUTCOMES:
        if case.find(tag) is not None:
            return outcome
    return "passed"


_OUTCOMES: tuple[tuple[str, TestOutcome], ...] = (
    ("error", "error"),
    ("failure", "failed"),
    ("skipped", "skipped"),
)


def _id(case: ET.Element, by_module: dict[str, str]) -> str:
    """The test's id as pytest has it; of a file that could not be collected, its path."""
    for item in case.iter("property"):
        if item.get("name") == ID_PROPERTY:
            return _plain(item.get("value") or "")
    name, place = case.get("name") or "", case.get("classname") or ""
    if not place and name in by_module:
        return by_module[name]
    # Without the plugin's word: the longest part of the dotted name that is a file.
    parts = place.split(".")
    for cut in range(len(parts), 0, -1):
        module = ".".join(parts[:cut])
        if module in by_module:
            return _plain("::".join([by_module[module], *parts[cut:], name]))
    return _plain(f"{place}::{name}" if place else name)


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _plain(id: str) -> str:
    return ODD.sub("", HALVES.sub("", id))[:_ID_CHARACTERS]
