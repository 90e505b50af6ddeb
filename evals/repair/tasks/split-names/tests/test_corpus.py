import json

import pytest
from corpus import evaluate, load, majority


def write(folder, **splits):
    for name, labels in splits.items():
        lines = [json.dumps({"text": f"{name}{i}", "label": x}) for i, x in enumerate(labels)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("labels", "right"), [("ab", 0.5), ("bbbb", 0.0), ("aaba", 0.75)])
def test_test_split(tmp_path, labels, right):
    write(tmp_path, train="aab", validation="bb", test=labels)
    assert evaluate(tmp_path, "test") == right
    assert load(tmp_path, "test")[0][0] == "test0"


def test_missing_file_is_an_error(tmp_path):
    write(tmp_path, train="aab", validation="b")
    with pytest.raises(FileNotFoundError):
        load(tmp_path, "test")


def test_other_splits(tmp_path):
    write(tmp_path, train="aab", validation="ab", test="b")
    assert evaluate(tmp_path, "train") == pytest.approx(2 / 3)
    assert evaluate(tmp_path, "validation") == 0.5
    assert evaluate(tmp_path, "validation", model=lambda text: "b") == 0.5


def test_majority_and_unknown(tmp_path):
    assert majority([("", "b"), ("", "a")]) == "a"
    with pytest.raises(ValueError):
        load(tmp_path, "dev")
