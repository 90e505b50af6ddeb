"""Tables of predictions are scored, and are no logs of metrics."""

from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.metrics import metric_options
from agents.drafting.observing import observe
from agents.drafting.predictions import predictions_in
from agents.drafting.series import series_of_files
from labcrew.domain.draft import FirstRun
from labcrew.domain.survey import EntryPoint, Survey

LABELS = "row,label,prediction,p0\n" + "".join(f"{i},{i % 2},{i % 4 % 3},0.5\n" for i in range(40))
NUMBERS = "y_true,y_pred\n" + "".join(f"{i / 7},{i / 7 + 0.5}\n" for i in range(40))


def test_labels_are_scored_and_columns_are_no_metrics() -> None:
    found = {one.name: one for one in series_of_files({"outputs/p.csv": LABELS}, "outputs")}
    assert not {"row", "p0"} & set(found)
    assert found["accuracy"].values == (0.5,)
    assert found["accuracy"].computed == ("label", "prediction")


def test_numbers_are_scored() -> None:
    found = {
        one.name: one.values[0] for one in series_of_files({"outputs/p.csv": NUMBERS}, "outputs")
    }
    assert abs(found["rmse"] - 0.5) < 1e-9
    assert abs(found["mae"] - 0.5) < 1e-9


def test_logs_stay() -> None:
    log = "epoch,target,pred\n" + "".join(f"{i},{i},1\n" for i in range(20))
    assert {one.name for one in series_of_files({"outputs/l.csv": log}, "outputs")} == {
        "epoch", "target", "pred",
    }  # fmt: skip


def test_ids_and_predictions_alone_give_nothing() -> None:
    text = "id,prediction\n" + "".join(f"{i},{i % 2}\n" for i in range(20))
    assert predictions_in("outputs/p.csv", "p.csv", text) == ()


def test_more_right_means_accuracy() -> None:
    run = FirstRun(id="1", command="python fit.py", image="i", exit_code=0)
    run = observe(run, [], {"outputs/predictions.csv": LABELS})
    entry = EntryPoint(path="fit.py", command="python fit.py", kind="script")
    best = metric_options("Get more of them right", Survey(files=1), entry, [run]).options[0]
    assert isinstance(best.value, dict)
    assert (best.value["name"], best.value["computed"]) == ("accuracy", ["label", "prediction"])


@given(st.text(max_size=200), st.sampled_from((".csv", ".tsv", ".jsonl", ".bin")))
def test_any_text_is_survived(text: str, suffix: str) -> None:
    body = "y_true,y_pred\n" + text if suffix == ".csv" else text
    found = predictions_in("outputs/p" + suffix, "p" + suffix, body)
    assert found is None or all(one.computed for one in found)
