"""What every memory must do; the real Chroma and the tests' double alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labcrew.domain.research import Memory, MemoryRecord
from memory.chroma import ChromaMemory
from tests.doubles.embedder import WordEmbedder
from tests.doubles.memory import DictMemory


def record(id_: str, text: str, scope: str = "lessons", **changes: str) -> MemoryRecord:
    fields = {"agent": "coordinator", "ticket": "T1", "commit": "c1", "data_hash": "d1"}
    return MemoryRecord.model_validate({"id": id_, "scope": scope, "text": text} | fields | changes)


@pytest.fixture(params=["chroma", "dict"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Memory]:
    if request.param == "dict":
        yield DictMemory(WordEmbedder())
        return
    real = ChromaMemory(tmp_path / "memory", WordEmbedder())
    yield real
    real.close()


def test_nearest_comes_first_with_its_provenance(memory: Memory) -> None:
    kept = record("L1", "momentum helps plain gradient descent", agent="log_monitor")
    memory.remember([record("L2", "duplicate rows hide a leak"), kept])

    found = memory.recall("lessons", "does momentum help gradient descent?")

    assert [item.record.id for item in found] == ["L1", "L2"]
    assert found[0].record == kept
    assert found[0].similarity > found[1].similarity


def test_an_identical_text_has_similarity_one(memory: Memory) -> None:
    memory.remember([record("L1", "the learning rate matters most")])
    [found] = memory.recall("lessons", "the learning rate matters most")
    assert found.similarity == pytest.approx(1, abs=1e-5)


def test_scopes_are_apart(memory: Memory) -> None:
    memory.remember([record("A", "one"), record("A", "two", scope="trials")])
    assert (memory.count("lessons"), memory.count("trials"), memory.count("findings")) == (1, 1, 0)
    assert [item.record.text for item in memory.recall("trials", "one")] == ["two"]
    assert memory.recall("findings", "one") == []


def test_a_known_id_replaces_the_old_record(memory: Memory) -> None:
    memory.remember([record("L1", "old words")])
    memory.remember([record("L1", "new words", commit="c2")])
    [found] = memory.recall("lessons", "words")
    assert (found.record.text, found.record.commit, memory.count("lessons")) == (
        "new words",
        "c2",
        1,
    )


def test_the_last_of_two_records_with_one_id_in_one_call_stays(memory: Memory) -> None:
    memory.remember([record("L1", "first"), record("L1", "second")])
    assert [item.record.text for item in memory.recall("lessons", "first")] == ["second"]


@pytest.mark.parametrize(
    ("commit", "data_hash", "lapsed"),
    [
        (None, None, False),
        ("c1", "d1", False),
        ("c2", None, True),
        (None, "d2", True),
        ("c1", "d2", True),
    ],
)
def test_a_record_lapses_when_what_it_rests_on_changed(
    memory: Memory, commit: str | None, data_hash: str | None, lapsed: bool
) -> None:
    memory.remember([record("L1", "a lesson")])
    [found] = memory.recall("lessons", "a lesson", commit=commit, data_hash=data_hash)
    assert found.lapsed is lapsed


def test_a_record_that_rests_on_nothing_does_not_lapse(memory: Memory) -> None:
    memory.remember([record("F1", "a paper's claim", scope="findings", commit="", data_hash="")])
    [found] = memory.recall("findings", "claim", commit="c9", data_hash="d9")
    assert not found.lapsed


def test_what_is_not_asked_for_takes_no_place(memory: Memory) -> None:
    memory.remember([record(f"O{n}", "momentum", repository="/other") for n in range(9)])
    memory.remember([record(f"T{n}", "momentum", ticket="T2") for n in range(9)])
    memory.remember([record(f"C{n}", "momentum", commit="c0") for n in range(9)])
    memory.remember([record(f"D{n}", "momentum", data_hash="d0") for n in range(9)])
    memory.remember([record("M", "momentum helps a little", repository="/mine")])
    memory.remember([record("N", "momentum helps, it is said", commit="", data_hash="")])

    found = memory.recall(
        "lessons", "momentum", limit=2, commit="c1", data_hash="d1",
        repository="/mine", other_than="T2", holding=True,
    )  # fmt: skip

    assert {item.record.id for item in found} == {"M", "N"}
    assert not any(item.lapsed for item in found)


def test_what_has_lapsed_is_left_out_only_where_that_is_asked(memory: Memory) -> None:
    memory.remember([record("L1", "a lesson")])
    assert memory.recall("lessons", "a lesson", commit="c2", holding=True) == []
    assert memory.recall("lessons", "a lesson", holding=True)[0].record.id == "L1"
    assert memory.recall("lessons", "a lesson", commit="c2")[0].lapsed


def test_a_sentence_that_several_tickets_found_is_one_and_the_firsts(memory: Memory) -> None:
    def finding(id_: str, ticket: str, text: str = "momentum helps") -> MemoryRecord:
        return record(id_, text, scope="findings", ticket=ticket, commit="", data_hash="")

    memory.remember([finding("T1-F1", "T1"), finding("T1-F2", "T1", "noise hurts")])
    memory.remember([finding("T2-F1", "T2"), finding("T2-F2", "T2", "decay helps")])
    memory.remember([finding("T3-F1", "T3", "rates fall"), finding("T3-F2", "T3", "rates fall")])

    assert memory.count("findings") == 4
    found = memory.recall("findings", "momentum", other_than="T9")
    assert {item.record.id for item in found} == {"T1-F1", "T1-F2", "T2-F2", "T3-F1"}


def test_limits(memory: Memory) -> None:
    memory.remember([record(f"L{n}", f"lesson {n}") for n in range(7)])
    assert len(memory.recall("lessons", "lesson", limit=3)) == 3
    assert len(memory.recall("lessons", "lesson", limit=1000)) == 7
    assert memory.recall("lessons", "lesson", limit=0) == []


def test_clear_forgets_everything_and_goes_on(memory: Memory) -> None:
    memory.remember([record("L1", "a"), record("T1", "b", scope="trials")])
    memory.clear()
    assert memory.count("lessons") == memory.count("trials") == 0
    memory.remember([record("L2", "c")])
    assert memory.count("lessons") == 1


def test_remembering_nothing(memory: Memory) -> None:
    memory.remember([])
    assert memory.count("lessons") == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=0, max_size=200))
def test_any_text_can_be_kept_and_asked_for(memory: Memory, text: str) -> None:
    memory.remember([record("wild", text)])
    found = memory.recall("lessons", text, limit=50)
    assert text in [item.record.text for item in found]
