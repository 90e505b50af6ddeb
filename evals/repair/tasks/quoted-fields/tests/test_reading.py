import pytest
from reading import TableError, parse, weighted_shares, weights, write

HEAD = "id,answer,weight\n"


@pytest.mark.parametrize(
    "answer", ["yes, mostly", 'so "called"', "two\nlines", "a, b, c", 'all: ",",\n"']
)
def test_round_trip(answer):
    rows = [{"id": "17", "answer": answer, "weight": "0.5"}]
    assert parse(write(rows)) == rows


def test_quotation_marks_go():
    assert parse(HEAD + '1,"yes",2\n2,"no, never",1\n') == [
        {"id": "1", "answer": "yes", "weight": "2"},
        {"id": "2", "answer": "no, never", "weight": "1"},
    ]


def test_plain_rows():
    rows = parse(HEAD + "1,yes,2\n\n2,no,\n")
    assert [row["answer"] for row in rows] == ["yes", "no"]
    assert weights(rows) == {"1": 2.0, "2": 1.0}
    assert weighted_shares(rows)["yes"] == pytest.approx(2 / 3)


def test_wrong_tables():
    with pytest.raises(TableError, match="header"):
        parse("a,b\n1,2\n")
    with pytest.raises(TableError, match="found 4"):
        parse(HEAD + "1,a,b,2\n")
    with pytest.raises(TableError):
        parse("")
