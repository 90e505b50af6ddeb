"""Adherence of real patches: checked, in the ledger, told in words, and blocking."""

from pathlib import Path
from typing import Any, cast

import pytest

from agents.code_description import code
from labcrew.domain.programming import Patch
from labcrew.domain.repository import Repositories
from labcrew.domain.sandbox import OverlayFile
from labcrew.errors import BoundaryError, NotFound
from labcrew.skills.adherence import as_feedback, blocking
from labcrew.skills.parsing import parsed
from tests.doubles.bench import make_assigned, make_bench
from tests.doubles.embedder import WordEmbedder
from tools.house_rules import kept_rules, texts

SKILL = parsed(
    """\
---
name: house
rules:
  - type: forbid_text
    pattern: '\\bprint\\('
    must: true
  - Spend at most 100 trials.
  - text: Think twice.
    must: MUST
---
- Always add a test.
""".replace("MUST", "false"),
    "house.md",
)


class Base:
    """A base commit of given files."""

    def __init__(self, **files: bytes) -> None:
        self._files = files

    def read(self, name: str, commit: str, path: str, cap_mb: int = 16) -> bytes:
        if path == "link":
            raise BoundaryError("a link")
        try:
            return self._files[path]
        except KeyError:
            raise NotFound(path) from None


PATCH = Patch(
    id="T1-C0", ticket="T1", revision=0, status="ready", summary="", steps=1, by="model:x", files=()
)


def patch(**files: bytes) -> dict[str, str]:
    """A patch's files as rules look at them."""
    written = tuple(OverlayFile(path=path, content=text) for path, text in files.items())
    return texts(PATCH.model_copy(update={"files": written}))


def bench_of(tmp_path: Path, *skills: Any, **files: bytes) -> Any:
    repositories = cast(Repositories, Base(**files))
    return make_bench(tmp_path, skills=skills, repositories=repositories)


def test_a_patch_is_checked_written_down_and_told(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, SKILL, **{"train.py": b"print('old')\n"})
    written = patch(**{"train.py": b"print('old')\nprint('new|<b>')\n"})
    with bench.ledger:
        results = kept_rules(make_assigned(), bench, WordEmbedder(), written)
        again = kept_rules(make_assigned(), bench, WordEmbedder(), written)
        events = [e for e in bench.ledger.events.of("T1") if e.kind.startswith("skill")]
    assert results == again
    assert [(one.line, one.outcome, one.must) for one in results] == [
        (4, "broken", True), (7, "kept", False), (11, "broken", False)
    ]  # fmt: skip
    assert [one.line for one in blocking(results)] == [4]
    assert results[0].where == ("train.py:2 print('new|<b>')",)
    assert [event.kind for event in events] == [
        "skills.checked", "skill.rule_broken", "skill.rule_broken"
    ]  # fmt: skip
    assert events[0].data["broken"] == 2
    told = "\n".join(code(PATCH.model_copy(update={"rules": results})))
    (row,) = [line for line in told.splitlines() if "train.py:2" in line]
    assert "<b>" not in told
    assert row.count("|") - row.count("\\|") == 6
    assert as_feedback(results).startswith("- must: no added line matches")


def test_a_kept_patch_blocks_nothing(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, SKILL, **{"train.py": b"x = 1\n"})
    good = patch(**{"train.py": b"x = 2\n", "tests/test_x.py": b"assert True\n"})
    with bench.ledger:
        results = kept_rules(make_assigned(), bench, WordEmbedder(), good)
    assert {one.outcome for one in results} == {"kept"}
    assert not blocking(results)
    assert as_feedback(results) == ""


def test_a_link_at_the_base_hides_no_line(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, SKILL)
    with bench.ledger:
        results = kept_rules(make_assigned(), bench, WordEmbedder(), patch(link=b"print(1)\n"))
    assert results[0].outcome == "broken"


def test_a_plan_alone_and_no_skills(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, SKILL)
    with bench.ledger:
        results = kept_rules(make_assigned(), bench, WordEmbedder())
    assert [one.outcome for one in results] == ["not_applicable", "kept", "not_applicable"]
    bare = bench_of(tmp_path / "bare")
    with bare.ledger:
        assert kept_rules(make_assigned(), bare, WordEmbedder(), patch(a=b"print()")) == ()
        assert not bare.ledger.events.of("T1")


def test_a_plan_whose_budget_changed_is_another_check(tmp_path: Path) -> None:
    bench, assigned = bench_of(tmp_path, SKILL), make_assigned()
    more = assigned.budget.model_copy(update={"trials": 500})
    with bench.ledger:
        kept_rules(assigned, bench, WordEmbedder())
        changed = assigned.model_copy(update={"budget": more})
        assert kept_rules(changed, bench, WordEmbedder())[1].outcome == "broken"
        kinds = [e.kind for e in bench.ledger.events.of("T1") if e.kind.startswith("skill")]
    assert kinds == ["skills.checked", "skills.checked", "skill.rule_broken"]


def test_a_must_that_nothing_checks_blocks(tmp_path: Path) -> None:
    text = "---\nname: a\nrules:\n  - text: Write beautiful code.\n    must: true\n---\n x"
    bench = bench_of(tmp_path, parsed(text, "a.md"))
    with bench.ledger:
        results = kept_rules(make_assigned(), bench, WordEmbedder(), patch(a=b"x"))
    assert [one.outcome for one in blocking(results)] == ["unchecked"]


@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"x" * 3_000_000, "\u2028print(1)".encode()])
def test_odd_files_break_nothing(tmp_path: Path, content: bytes) -> None:
    bench = bench_of(tmp_path, SKILL)
    with bench.ledger:
        results = kept_rules(make_assigned(), bench, WordEmbedder(), patch(**{"a.py": content}))
    expected = "kept" if b"\xff" in content else "unchecked" if b"x" in content else "broken"
    assert results[0].outcome == expected
