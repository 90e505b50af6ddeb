"""Tracking into a real MLflow store: once a trial, whatever a program prints."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.experiment import MetricPoint, TrackedRun
from tests.tickets import failed, make_score, make_trial
from tools.track_run import MlflowTracker, tracked_name

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("mlflow")
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture(scope="module")
def tracker(store: str) -> MlflowTracker:
    return MlflowTracker(store)


def read(store: str, run_id: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store).get_run(run_id)


def test_a_trial_is_recorded_once(tracker: MlflowTracker, store: str) -> None:
    metrics = tuple(MetricPoint(name="loss", step=n, value=1 / (n + 1)) for n in range(3))
    run = TrackedRun(trial=make_trial(1, 0.9), title="t", metrics=metrics)
    first = tracker.record("labcrew/T-1", run)
    assert tracker.record("labcrew/T-1", run) == first
    assert MlflowTracker(store).record("labcrew/T-1", run) == first
    found = read(store, first)
    assert found.data.metrics == {"loss": pytest.approx(1 / 3), "score.validation": 0.9}
    assert found.data.params == {"lr": "0.1", "batch": "8", "seed": "0", "data": "original"}
    assert found.data.tags["outcome"] == "scored"
    assert found.info.status == "FINISHED"


def test_a_run_that_was_left_half_is_finished(tracker: MlflowTracker, store: str) -> None:
    from mlflow import MlflowClient

    trial = failed(make_trial(2))
    client = MlflowClient(tracking_uri=store)
    place = client.create_experiment("labcrew/T-half")
    half = client.create_run(place, tags={"labcrew_trial": trial.id}).info.run_id
    assert tracker.record("labcrew/T-half", TrackedRun(trial=trial, title="t")) == half
    assert read(store, half).info.status == "FAILED"


def test_long_logs_keep_their_score_and_their_end(tracker: MlflowTracker, store: str) -> None:
    metrics = tuple(MetricPoint(name="loss", step=n, value=float(n)) for n in range(2000))
    run_id = tracker.record(
        "labcrew/T-long", TrackedRun(trial=make_trial(3, 0.9), title="t", metrics=metrics)
    )
    found = read(store, run_id).data.metrics
    assert found == {"loss": 1999.0, "score.validation": 0.9}


def test_a_reported_value_is_called_so(tracker: MlflowTracker, store: str) -> None:
    score = make_score(0.9, source="reported")
    trial = make_trial(4, 0.9).model_copy(update={"score": score})
    run_id = tracker.record("labcrew/T-1", TrackedRun(trial=trial, title="t"))
    assert read(store, run_id).data.metrics == {"reported.validation": 0.9}


def test_names_that_mlflow_would_refuse_do_no_harm(tracker: MlflowTracker, store: str) -> None:
    names = ("loss{a}", "", "../x", "/x", "a//b", "..", ".", "x" * 999, "é", "a/../b", "loss(a)")
    metrics = tuple(MetricPoint(name=name, step=1, value=0.5) for name in names)
    values = {"seed": 5, "data": "x", "long": "v" * 10_000, "a b": True}
    trial = make_trial(5, 0.9, values=values)
    run_id = tracker.record("labcrew/T-1", TrackedRun(trial=trial, title="t", metrics=metrics))
    found = read(store, run_id)
    assert found.data.params["seed"] == "5"
    assert len(found.data.params["long"]) == 500
    assert "loss_a_" in found.data.metrics


@given(st.text())
def test_any_name_becomes_one_that_mlflow_takes(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    _validate_metric_name(tracked_name(name))  # type: ignore[no-untyped-call]
    _validate_param_name(tracked_name(name))  # type: ignore[no-untyped-call]


def test_trials_that_end_side_by_side(store: str) -> None:
    tracker = MlflowTracker(store)
    runs = [TrackedRun(trial=make_trial(n % 3 + 10, 0.5), title="t") for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        ids = list(pool.map(lambda run: tracker.record("labcrew/T-side", run), runs))
    assert len(set(ids)) == 3
