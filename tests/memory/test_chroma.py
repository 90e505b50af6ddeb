"""What is Chroma's own: its files, several threads, damage."""

import contextlib
import threading
from pathlib import Path

import pytest

from labcrew.errors import LabcrewError
from memory.chroma import ChromaMemory
from tests.contracts.test_memory import record
from tests.doubles.embedder import WordEmbedder


class ShortEmbedder(WordEmbedder):
    dimensions = 16


def test_what_was_remembered_is_there_after_a_restart(tmp_path: Path) -> None:
    first = ChromaMemory(tmp_path, WordEmbedder())
    first.remember([record("L1", "keep me")])
    first.close()
    second = ChromaMemory(tmp_path, WordEmbedder())
    assert [item.record.text for item in second.recall("lessons", "keep")] == ["keep me"]
    second.close()


def test_making_one_touches_nothing(tmp_path: Path) -> None:
    ChromaMemory(tmp_path / "none", WordEmbedder())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"hello", b"\0" * 50_000])
def test_a_damaged_index_says_how_to_make_it_anew(tmp_path: Path, damage: bytes) -> None:
    memory = ChromaMemory(tmp_path, WordEmbedder())
    memory.remember([record("L1", "text")])
    memory.close()
    (tmp_path / "chroma.sqlite3").write_bytes(damage)
    damaged = ChromaMemory(tmp_path, WordEmbedder())
    with pytest.raises(LabcrewError, match="can't be used") as caught:
        damaged.recall("lessons", "text")
    assert "labcrew memory rebuild" in caught.value.remedy
    assert str(tmp_path) in caught.value.message
    damaged.clear()
    damaged.remember([record("L2", "anew")])
    assert damaged.count("lessons") == 1
    damaged.close()


def test_lost_vector_files_are_a_clear_error_or_none(tmp_path: Path) -> None:
    memory = ChromaMemory(tmp_path, WordEmbedder())
    memory.remember([record(f"L{n}", f"text {n}") for n in range(300)])
    memory.close()
    for path in tmp_path.rglob("*.bin"):
        path.write_bytes(b"\xff" * 10)
    damaged = ChromaMemory(tmp_path, WordEmbedder())
    with contextlib.suppress(LabcrewError):  # any other error would be a traceback for a person
        damaged.recall("lessons", "text 1")
    damaged.clear()
    assert damaged.count("lessons") == 0
    damaged.close()


def test_another_embedder_is_noticed(tmp_path: Path) -> None:
    memory = ChromaMemory(tmp_path, WordEmbedder())
    memory.remember([record("L1", "text")])
    memory.close()
    other = ChromaMemory(tmp_path, ShortEmbedder())
    with pytest.raises(LabcrewError, match="dimension"):
        other.recall("lessons", "text")
    other.close()


def test_clear_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    memory = ChromaMemory(tmp_path, WordEmbedder())
    memory.remember([record("L1", "text")])
    memory.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "notes.txt"]


def test_threads_write_and_read_at_once(tmp_path: Path) -> None:
    memory = ChromaMemory(tmp_path, WordEmbedder())
    troubles: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for n in range(5):
                memory.remember([record(f"L{number}-{n}", f"lesson {number} {n}")])
                memory.recall("lessons", "lesson")
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert memory.count("lessons") == 20
    memory.close()
