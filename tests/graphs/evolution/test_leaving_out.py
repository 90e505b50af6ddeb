"""A text without one of its steps."""

import pytest

from graphs.evolution.comparing import undone

REST = "q\nr\ns\nt\n"


@pytest.mark.parametrize(
    ("was", "became", "later", "without"),
    [
        (f"x = 1\n{REST}a\n", f"x = 2\n{REST}a\n", f"x = 2\n{REST}b\n", f"x = 1\n{REST}b\n"),
        ("s = '\f'\nx = 1\n", "s = '\f'\nx = 2\n", "s = '\f'\nx = 2\ny\n", "s = '\f'\nx = 1\ny\n"),
        ("x = 1", "x = 2", "x = 2\n", "x = 1\n"),
        ("q\nx = 1", "q\nx = 2", "p\nq\nx = 2", "p\nq\nx = 1"),
        ("q\n", "q\nx = 2\n", "q\nx = 3\n", None),
    ],
)
def test_a_step_is_left_out_whatever_characters_and_line_ends_are_beside_it(
    was: str, became: str, later: str, without: str | None
) -> None:
    assert undone(later, was, became) == without
