"""What a run reports: the last value, from a file or a line; a NaN at the end is no value."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew import beneath
from labcrew.domain.measuring import Metric
from labcrew.domain.sandbox import OUTPUT_CUT
from tools.reported import from_file, from_line, from_output


def metric(name: str = "acc", **changes: str) -> Metric:
    return Metric.model_validate({"name": name, "direction": "maximize"} | changes)


FILE = metric(file="metrics.jsonl")


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (['{"acc": 0.5}', '{"acc": 0.7}', '{"loss": 1}'], 0.7),
        (['{"acc": 0.5}', '{"acc": NaN}'], None),
        (['{"acc": 0.5}', '{"acc": null}'], None),
        (['{"acc": 0.5}', '{"acc": "NaN"}'], None),
        (['{"acc": 0.5}', '{"acc": "-Infinity"}'], None),
        (['{"acc": null}', '{"acc": 0.5}', '{"loss": null}'], 0.5),
        (['{"acc": 0.5}', "acc: broken", '{"acc": "0.9"}', '{"acc": true}', '["acc"]'], 0.5),
        (['{"acc": 0.5}', '{"acc": ' + "[" * 50_000], 0.5),
        (['{"acc": 0.5}', '{"acc": 1' + "0" * 400 + "}"], 0.5),
        (['{"other": 1}'], None),
        ([], None),
    ],
)
def test_the_last_line_that_has_it_counts(
    tmp_path: Path, lines: list[str], value: float | None
) -> None:
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    assert from_file(FILE, tmp_path) == value


def test_no_file_is_no_value(tmp_path: Path) -> None:
    assert from_file(FILE, tmp_path) is None
    assert from_file(metric(pattern="(x)"), tmp_path) is None


@given(name=st.text(min_size=1, max_size=20).filter(str.strip), ascii=st.booleans())
def test_any_name_is_found_however_json_spells_it(
    tmp_path_factory: pytest.TempPathFactory, name: str, ascii: bool
) -> None:
    folder = tmp_path_factory.mktemp("outputs")
    line = json.dumps({name: 0.5}, ensure_ascii=ascii)
    (folder / "metrics.jsonl").write_text(line, encoding="utf-8", errors="surrogatepass")
    if not any("\ud800" <= c <= "\udfff" for c in name):
        assert from_file(metric(name, file="metrics.jsonl"), folder) == 0.5


def test_lines_are_read_by_pattern_or_name() -> None:
    pattern = metric("val rmse", pattern=r"val rmse[=: ]+(\S+)")
    assert from_line(pattern, "val rmse: 3 val rmse: 4") == 4
    assert from_line(pattern, "val rmse: many") is None
    assert from_line(pattern, "other") is None
    assert from_line(metric("val rmse"), "epoch 1 val rmse 0.5") == 0.5
    assert from_line(metric("acc"), '{"acc": 0.5}') == 0.5
    assert from_line(metric("a"), "b 1") is None


def test_a_run_that_ends_in_nan_has_no_metric() -> None:
    pattern = metric(pattern=r"acc (\S+)")
    assert from_output(pattern, ["acc 0.5", "noise", "acc 0.7", "noise"]) == 0.7
    assert from_output(pattern, ["acc 0.5", "acc nan"]) is None
    assert from_output(pattern, []) is None
    gap = f"{OUTPUT_CUT}: there are more than 64 MiB of it]\n"
    assert from_output(pattern, ["acc 0.5", gap, "acc 0.7"]) == 0.7
    assert from_output(pattern, ["acc 0.5", gap, "noise"]) is None


def test_a_progress_bar_ends_with_its_last_state() -> None:
    metric = Metric(name="loss", direction="minimize", pattern=r"loss=([\d.]+)")
    bar = "".join(f"\r{n}%|{'#' * 90}| loss={1 - n / 1000:.3f}" for n in range(1000))
    assert from_output(metric, [bar + "\n", "done\n"]) == 0.001


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("m.csv", "step,loss\n1,0.9\n2,0.5\n", 0.5),
        ("m.tsv", "loss\tacc\n0.4\t1\n", 0.4),
        ("m.csv", "step,loss\n1,0.9\n2,\n", 0.9),
        ("m.csv", "a,b\n1,2\n", None),
        ("m.csv", "loss\nnan\n", None),
        ("m.json", '{\n  "loss": 0.25,\n  "n": 3\n}\n', 0.25),
        ("m.json", '{"loss": 0.9}\n{"loss": 0.1}\n', 0.1),
        ("m.json", '{"loss": true}', None),
        ("m.json", '{\n"loss": null}', None),
        ("m.json", '{"loss": 0.9}\n{"loss": null}\n', None),
        ("m.json", '{"loss": 1' + "0" * 400 + "}", None),
        ("m.csv", "loss\n0.5\n\0\n", None),
    ],
)
def test_tables_and_documents_are_read_too(
    tmp_path: Path, name: str, content: str, expected: float | None
) -> None:
    (tmp_path / name).write_text(content)
    metric = Metric(name="loss", direction="minimize", file=name)
    found = from_file(metric, tmp_path)
    assert found == expected or (name == "m.csv" and "\0" in content and found in (None, 0.5))


@pytest.mark.parametrize(
    "pattern",
    [
        r"val_loss[=: ]+([-+.\deE]+)",
        r"val_loss=([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)",
        r"(?i)VAL_LOSS=([\d.()]+)",
    ],
)
@pytest.mark.parametrize("end", ["nan", "NaN", "-nan", "inf", "-Infinity"])
def test_a_pattern_of_digits_sees_a_run_that_ends_in_nan(pattern: str, end: str) -> None:
    lines = ["val_loss=0.9", "val_loss=0.41", f"val_loss={end}"]
    assert from_output(metric(pattern=pattern), lines) is None
    assert from_output(metric(pattern=pattern), lines[:2]) == 0.41
    assert from_output(metric(pattern=pattern), [*lines[:2], "information: inf nan"]) == 0.41


@pytest.mark.parametrize("pattern", [r'"val_loss": ([-+.\deE]+)', r'"val_loss": ([^,}]+)[,}]'])
@pytest.mark.parametrize("end", ["null", '"NaN"', '"-inf"', "NaN"])
def test_a_pattern_over_json_sees_however_nan_is_written(pattern: str, end: str) -> None:
    lines = ['{"val_loss": 0.41, "note": null}', f'{{"val_loss": {end}, "epoch": 2}}']
    assert from_output(metric(pattern=pattern), lines) is None
    assert from_output(metric(pattern=pattern), lines[:1]) == 0.41


def test_the_last_words_of_a_long_bar_count(tmp_path: Path) -> None:
    bar = "\r".join(f"val_acc={n / 200_000:.4f}" for n in range(200_001))
    (tmp_path / "log").write_text(f"{bar}\nbye\n", newline="")
    found = list(beneath.lines(tmp_path, "log"))
    assert len(found) == 2
    assert from_output(metric("val_acc", pattern=r"val_acc=([\d.]+)"), found) == 1.0
