"""Changes of a budget, read from what people say."""

import pytest

from desk.chat.budgets import budget_changes


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("set it to 1,000 trials", "trials = 1000"),
        ("budget 10,000 trials please", "trials = 10000"),
        ("1,000,000 tokens", "model_tokens = 1e+06"),
        ("give it 2 500 trials", "trials = 2500"),
        ("1,234.5 hours", "hours = 1234.5"),
        ("2,5 hours", "hours = 2.5"),
        ("hours to 6,25", "hours = 6.25"),
        ("trials to 1,500", "trials = 1500"),
        ("0.125 hours", "hours = 0.125"),
        ("no more than 20 trials", "trials = 20"),
        ("at most 20 trials, not more", "trials = 20"),
        ("no fewer than 20 trials", "trials = 20"),
        ("up to 20 more trials", "trials + 20"),
        ("another 1,500 trials", "trials + 1500"),
        ("extend the budget to 6 hours", "hours = 6"),
        ("extend the budget by 6 hours", "hours + 6"),
        ("set trials to 40, finish by 5", "trials = 40"),
        ("reduce trials to 10 by tonight", "trials = 10"),
        ("reduce trials by 10", "trials - 10"),
        ("cut it by about two hours", "hours - 2"),
        ("raise the hours by two", "hours + 2"),
        ("5 trials fewer", "trials - 5"),
    ],
)
def test_what_is_said_is_what_is_proposed(said: str, meant: str) -> None:
    assert [str(change) for change in budget_changes(said)] == [meant]


def test_a_number_that_is_none_is_not_read_in_part() -> None:
    assert budget_changes("10,0000 trials") == ()
