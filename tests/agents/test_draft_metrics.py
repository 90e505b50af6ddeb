"""What a sentence means among the numbers that a program showed, and on which data they stand."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.choosing import by_score
from agents.drafting.intent import understood
from agents.drafting.metrics import (
    holdout_number,
    metric_options,
    seen_numbers,
    split_doubts,
    split_options,
)
from agents.drafting.splits import variables_split
from labcrew.domain.draft import FirstRun, Series
from labcrew.domain.survey import DataFile, EntryPoint, Place, Setting, Survey, Trait

SURVEY = Survey(files=1)


def entry(*traits: Trait, settings: Sequence[Setting] = ()) -> EntryPoint:
    return EntryPoint(
        path="train.py",
        kind="script",
        command="python train.py",
        traits=traits,
        settings=tuple(settings),
    )


def number(name: str, *values: float, line: str = "", file: str = "", **more: Any) -> Series:
    return Series(
        name=name,
        values=values,
        count=len(values),
        file=file,
        pattern="" if file else rf"{name}: ([-.\d]+)",
        evidence=(Place(path="", text=line or f"{name}: {values[-1]}"),),
        **more,
    )


def run(*series: Series, seed: int = 0) -> FirstRun:
    return FirstRun(
        id=f"r{seed}", command="python train.py", seed=seed, image="i", exit_code=0, series=series
    )


def best(sentence: str, *series: Series, program: EntryPoint | None = None) -> tuple[Any, float]:
    options = metric_options(sentence, SURVEY, program or entry(), [run(*series)])
    chosen = by_score(options)
    return options.options[chosen.index].value, chosen.confidence


@pytest.mark.parametrize(
    ("sentence", "metric", "direction", "split"),
    [
        ("lower the test loss", "loss", "minimize", "test"),
        ("make it more accurate", "accuracy", "maximize", None),
        ("get better recall on the minority class", "recall", None, None),
        ("reduce RMSE", "rmse", "minimize", None),
        ("speed up training", "time", "minimize", None),
        ("make it faster", "time", "minimize", None),
        ("get a higher AUC without making it slower", "auc", "maximize", None),
        ("improve the validation error", "error", None, "validation"),
        ("Minimise the validation perplexity", "perplexity", "minimize", "validation"),
        ("fewer mistakes", "error", "minimize", None),
        ("maximise the mean episode reward", "reward", "maximize", None),
        ("decrease training loss", "loss", "minimize", "train"),
        ("lower the held-out log loss", "log loss", "minimize", "test"),
        ("find a good learning rate and the smallest val_loss", "loss", "minimize", "validation"),
        ("reduce false positives", "fpr", "minimize", None),
    ],
)
def test_sentences(sentence: str, metric: str, direction: str | None, split: str | None) -> None:
    intent = understood(sentence)
    assert (intent.metric[0], intent.direction, intent.split) == (metric, direction, split)


def test_a_sentence_without_a_number_makes_none_up() -> None:
    assert understood("tune it").metric == ()
    assert understood("tune it").direction is None
    assert understood("better clusters").metric == ()


def test_limits_and_names_in_a_sentence() -> None:
    intent = understood("raise val_acc of src/train.py by --lr within 2 hours, at most 30 runs")
    assert (intent.hours, intent.trials) == (2.0, 30)
    assert set(intent.mentions) == {"val_acc", "src/train.py", "--lr"}
    assert intent.metric == ("accuracy",)
    assert understood("best F1 in half an hour").hours == 0.5
    assert understood("less error in 20 runs, 90 minutes for all").trials == 20
    assert understood("accuracy for 45 min").hours == 0.75


@given(st.text(max_size=400))
def test_any_sentence_is_understood_somehow(text: str) -> None:
    intent = understood(text)
    assert intent.hours is None or intent.hours > 0
    assert intent.trials is None or intent.trials > 0


def test_validation_is_chosen_and_test_kept_for_the_end() -> None:
    series = (
        number("epoch", 1, 2, 3),
        number("train_loss", 3, 2, 1),
        number("val_loss", 3, 2.5, 2.2),
        number("test_loss", 2.3),
    )
    chosen, confidence = best("lower the test loss", *series)
    assert (chosen["name"], chosen["split"]) == ("val_loss", "validation")
    assert confidence > 0.8
    kept = holdout_number(chosen, SURVEY, entry(), [run(*series)])
    assert kept is not None
    assert (kept.name, kept.pattern) == ("test_loss", r"test_loss: ([-.\d]+)")


@given(
    st.lists(
        st.sampled_from(("train_loss", "val_loss", "test_loss", "train_acc", "epoch", "lr")),
        unique=True,
        min_size=1,
    ),
    st.sampled_from(("lower the loss", "lower the training loss", "better", "raise accuracy")),
)
def test_a_training_number_is_never_best_where_unseen_data_has_one(
    names: list[str], sentence: str
) -> None:
    chosen, _ = best(sentence, *(number(name, 3.0, 2.0) for name in names))
    if chosen["name"] == "train_loss":
        assert not {"val_loss", "test_loss"} & set(names)


def test_only_a_training_number_is_a_doubt() -> None:
    chosen, _ = best("lower the loss", number("train_loss", 3, 2, 1))
    assert chosen["split"] == "train"
    (doubt,) = split_doubts(chosen, "train", 0.8)
    assert "training data" in doubt.because
    assert split_doubts(chosen, "validation", 0.9) == ()


def test_another_number_than_the_asked_one_is_not_sure() -> None:
    assert best("raise the accuracy", number("inertia", 5.0))[1] < 0.3
    assert best("lower the tour's length", number("q", 40, 30))[1] < 0.5


def test_bookkeeping_and_times_are_not_meant_unless_asked_for() -> None:
    series = (number("lr", 0.1), number("elapsed", 3.0), number("score", 0.8))
    assert best("make it better", *series)[0]["name"] == "score"
    assert best("speed it up", *series)[0]["name"] == "elapsed"


def test_a_class_that_the_sentence_names_decides() -> None:
    series = (number("majority recall", 0.9), number("minority recall", 0.3))
    assert best("get better recall on the minority class", *series)[0]["name"] == "minority recall"


def test_one_number_in_a_file_and_in_the_output_is_one() -> None:
    twice = [
        run(number("val_loss", 2.0, 1.5), number("val_loss", 2.0, 1.5, file="log.jsonl")),
    ]
    (kept,) = seen_numbers(twice)
    assert kept.file == "log.jsonl"


def test_a_number_that_some_runs_lack_is_less_likely() -> None:
    runs = [run(number("a_loss", 1.0), number("b_loss", 1.0)), run(number("b_loss", 1.0), seed=1)]
    options = metric_options("lower the loss", SURVEY, entry(), runs)
    assert options.options[0].label == "b_loss"


def test_no_number_gives_no_option() -> None:
    assert metric_options("lower the loss", SURVEY, entry(), [run()]).options == ()


def _split(series: Series, program: EntryPoint, survey: Survey = SURVEY) -> tuple[Any, float]:
    chosen: dict[str, object] = {
        "name": series.name, "split": "unknown", "file": None, "pattern": series.pattern,
    }  # fmt: skip
    options = split_options("better", survey, program, [run(series)], chosen)
    answer = by_score(options)
    return options.options[answer.index].value, answer.confidence


def _prints(what: str, code: str) -> Trait:
    return Trait(kind="prints", what=what, place=Place(path="train.py", line=9, text=code))


def test_the_split_by_the_code_that_prints_it() -> None:
    test = entry(_prints("accuracy", "print('accuracy', model.score(X_test, y_test))"))
    assert _split(number("accuracy", 0.9), test)[0] == "test"
    train = entry(_prints("accuracy", "print('accuracy', model.score(X_train, y_train))"))
    assert _split(number("accuracy", 0.9), train)[0] == "train"


def test_the_split_by_what_the_program_does() -> None:
    held = Setting(
        name="train_test_split.test_size",
        mechanism="keyword",
        type="float",
        owner="train_test_split",
        place=Place(path="train.py", line=3, text="train_test_split(X, y, test_size=0.2)"),
    )
    value, confidence = _split(number("accuracy", 0.9), entry(settings=[held]))
    assert value == "test"
    assert confidence < 0.8


def test_a_number_without_any_sign_of_a_split_is_unknown() -> None:
    value, confidence = _split(number("accuracy", 0.9), entry())
    assert value == "unknown"
    assert confidence < 0.8


def test_a_file_of_test_data_is_a_weak_sign() -> None:
    survey = Survey(files=2, data=(DataFile(path="data/test.csv", size_bytes=9),))
    options = _split(number("accuracy", 0.9), entry(), survey)
    assert options[1] < 0.6


@pytest.mark.parametrize(
    ("code", "split"),
    [
        ("clf.score(X_test, y_test)", "test"),
        ("evaluate(model, val_loader)", "validation"),
        ("loss_fn(model(train_x), train_y)", "train"),
        ("score(X_train, y_train), score(X_test, y_test)", None),
        ("model.eval()", None),
        ("print(loss)", None),
        ("roc_auc_score(yte, p)", None),
        ("accuracy(y_valid, pred)", "validation"),
    ],
)
def test_variables(code: str, split: str | None) -> None:
    assert variables_split(code) == split
