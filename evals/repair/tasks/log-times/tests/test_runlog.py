import pytest
from runlog.lines import duration, merge, parse
from runlog.times import parse_time, readable, seconds_between


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2024-05-01T12:00:00+02:00", "2024-05-01T11:00:00Z", 3600),
        ("2024-05-01T12:00:00", "2024-05-01T12:00:00-05:30", 5.5 * 3600),
        ("2024-03-31T01:30:00+01:00", "2024-03-31T03:30:00+02:00", 3600),
    ],
)
def test_seconds_between_zones(start, end, seconds):
    assert seconds_between(start, end) == seconds
    assert duration([(start, "start"), (end, "end")]) == seconds


def test_merged_in_order_of_time():
    one = parse("2024-05-01T12:00:00+02:00 a\n2024-05-01T13:00:00+02:00 c\n")
    two = parse("2024-05-01T10:30:00Z b\n2024-05-01T11:30:00 d\n")
    assert [event for _, event in merge(one, two)] == ["a", "b", "c", "d"]


def test_no_offset_is_utc():
    assert parse_time("2024-05-01T12:00:00") == parse_time("2024-05-01T14:00:00+02:00")


def test_same_offset():
    lines = parse("2024-05-01T12:00:00Z start\nx\n2024-05-01T12:01:30Z end\n")
    assert duration(lines) == 90
    assert duration(lines[:1]) is None


def test_lines_and_readable():
    assert parse("2024-05-01T12:00:00Z epoch 1\n\n") == [("2024-05-01T12:00:00Z", "epoch 1")]
    assert readable(3723.2) == "1:02:03"
