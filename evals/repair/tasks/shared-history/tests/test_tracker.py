import json

from tracker import Tracker


def test_histories_are_apart():
    for name in ("loss", "accuracy"):
        first, second = Tracker("a"), Tracker("b")
        first.log(name, 1.0)
        assert second.history(name) == []
        assert Tracker("c").last(name) is None


def test_tags_are_apart():
    first, second = Tracker("a"), Tracker("b")
    first.tag("baseline")
    assert second.tags == []
    assert first.tags == ["baseline"]


def test_goes_on_from_given_values():
    values, tags = {"loss": [3.0]}, ["x"]
    tracker = Tracker("a", values, tags)
    tracker.log("loss", 2)
    tracker.tag("x")
    assert tracker.history("loss") == [3.0, 2.0]
    assert tracker.tags == ["x"]


def test_given_empty_ones_are_kept():
    values, tags = {}, []
    tracker = Tracker("a", values, tags)
    tracker.log("m", 1)
    tracker.tag("t")
    assert values == {"m": [1.0]}
    assert tags == ["t"]


def test_json():
    tracker = Tracker("r", {"m": [1.0]}, [])
    assert json.loads(tracker.to_json()) == {"run": "r", "tags": [], "values": {"m": [1.0]}}
    assert tracker.last("m") == 1.0
