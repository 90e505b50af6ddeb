"""Islands and behaviour cells."""

from hypothesis import given
from hypothesis import strategies as st

from agents.evolution.archive import ISLANDS, MIGRATION, archive
from agents.evolution.proposing import Tried
from labcrew.domain.evolution import code_hash
from tests.agents.evolution.situations import files, situation

BASE = files("x = 0\n")


def a_try(number: int, score: float, text: str = "", seconds: float = 1.0) -> Tried:
    program = files(text or f"x = {number:04d}\n")
    return Tried(
        code=code_hash(program),
        files=program,
        score=score,
        seconds=seconds,
        kept=False,
        round=number,
    )


def test_every_island_begins_with_the_baseline_and_keeps_the_best_of_a_cell() -> None:
    tried = (a_try(0, 0.0), a_try(3, 1.0), a_try(6, 2.0), a_try(9, 1.5), a_try(4, 0.5))
    kept = archive(situation(BASE, tried=tried))
    assert [t.score for t in kept.island(0)] == [2.0]
    assert [t.score for t in kept.island(1)] == [0.5]
    assert [t.score for t in kept.island(2)] == [0.0]


def test_a_program_that_behaves_otherwise_has_a_cell_of_its_own() -> None:
    tried = (a_try(0, 5.0), a_try(3, 1.0, "y = 1\n" * 50), a_try(6, 0.5, seconds=60.0))
    kept = archive(situation(BASE, tried=tried))
    assert {t.score for t in kept.island(0)} == {5.0, 1.0, 0.5}


def test_the_best_visit_the_next_island() -> None:
    tried = (a_try(0, 0.0), a_try(3, 9.0), a_try(MIGRATION + 1, 0.1))
    kept = archive(situation(BASE, tried=tried))
    assert 9.0 in {t.score for t in kept.island(1)}
    assert 9.0 not in {t.score for t in kept.island(2)}


@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.floats(allow_nan=True), st.floats(0, 1e6)), max_size=20
    )
)
def test_the_archive_is_told_from_what_was_tried(some: list[tuple[int, float, float]]) -> None:
    tried = [a_try(n, score, seconds=s) for n, score, s in some]
    first = archive(situation(BASE, tried=tuple(tried)))
    assert first == archive(situation(BASE, tried=tuple(tried)))
    places = [(elite.island, elite.cell.model_dump_json()) for elite in first.elites]
    assert len(places) == len(set(places))
    assert all(0 <= elite.island < ISLANDS for elite in first.elites)
