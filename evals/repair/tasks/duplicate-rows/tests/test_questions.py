import pytest
from questions.normalise import key, unique
from questions.parts import place, shared, split

SAME = [
    ("What is  RAM?", "what is ram ?"),
    ("What's new", "What\u2019s new"),
    ("\uff21 test", "A test!"),
    ("stra\u00dfe?", "STRASSE"),
    ("one-two", "One two"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_same_question(one, two):
    assert key(one) == key(two)
    assert unique([(one, "x"), (two, "X.")]) == [(one, "x")]


def test_no_question_in_both_parts():
    rows = [(f"Question {i}?", f"answer {j}") for i in range(60) for j in range(4)]
    rows += [(f"question  {i}", f"Answer {j + 4}") for i in range(60) for j in range(4)]
    for salt in ("", "a", "b"):
        training, test = split(rows, 0.3, salt)
        assert len(training) + len(test) == 480
        assert shared(training, test) == []
        assert {len([q for q, _ in test if key(q) == k]) for k in {key(q) for q, _ in test}} == {8}


def test_different_questions_stay_different():
    assert key("What is RAM?") != key("What is ROM?")
    assert key("1 + 2") != key("1 + 3")
    assert key("\u00fcber") != key("uber")


def test_share_and_order():
    rows = [(f"Number {i}", "x") for i in range(1000)]
    training, test = split(rows, 0.2)
    assert 150 < len(test) < 250
    assert sorted(split(rows[::-1], 0.2)[1]) == sorted(test)


def test_place():
    assert 0 <= place("a") < 1
    assert place("a", "1") != place("a", "2")
    assert unique([("a", "b"), ("a", "c"), ("A ", "b")]) == [("a", "b"), ("a", "c")]
