"""Names of metrics in all spellings, and which way of them is better."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.better import direction_options
from agents.drafting.choosing import by_score
from agents.drafting.directions import canonical_names, named, split_of, words_of
from labcrew.domain.draft import FirstRun, Series


def _names(text: str) -> list[str]:
    return text.split("|")


LOWER = _names(
    "loss|val_loss|valLoss|train/loss|log_loss|logloss|cross_entropy|NLL"
    "|neg_log_likelihood|negative_log_likelihood|perplexity|ppl|bpc|bits_per_char|mse|MSE"
    "|rmse|RMSE|mae|brier_score|mean_squared_error|error|error_rate|test_err|wer|CER|fid"
    "|distance|regret|inertia|davies_bouldin_score|train_time|latency|hamming_loss"
    "|false_positive_rate|reconstruction_loss|-loglik|1-acc|1-IoU|negative_elbo|max_error"
    "|median_absolute_error|deviance|misclassification|kl_divergence|aic|BIC|cost"
    "|residual|elapsed|recon_loss|KID|-log lik|one minus accuracy|mean squared error"
    "|Zero-one loss|word error rate"
)
HIGHER = _names(
    "accuracy|val_acc|testacc|Accuracy@1|top-1|top1|f1|F1-score|f1score|macro_f1|auc"
    "|roc_auc|AUROC|average_precision|mAP|mAP@0.5|r2|R2|R^2|R²|r2_score"
    "|explained_variance|recall|precision|precision@10|iou|mIoU|dice|bleu|ROUGE-L|ndcg"
    "|NDCG@5|hit_rate|mcc|kappa|silhouette_score|likelihood|log_likelihood|loglik|elbo"
    "|reward|episode_return|purity|ari|adjusted_rand_index|AdjustedRandIndex|v_measure"
    "|nmi|neg_mean_squared_error|neg_log_loss|-mse|balanced_accuracy|cohen_kappa|psnr"
    "|ssim|calinski_harabasz_score|throughput|mean_test_score|MLPAccuracy"
    "|ExplainedVariance|error_reduction|sensitivity|win_rate|Test set accuracy"
    "|Adjusted Rand Index|exact match|cv score|hit rate"
)


@pytest.mark.parametrize("name", LOWER)
def test_lower_is_better_of(name: str) -> None:
    assert named(name).direction == "minimize"


@pytest.mark.parametrize("name", HIGHER)
def test_higher_is_better_of(name: str) -> None:
    assert named(name).direction == "maximize"


@pytest.mark.parametrize("name", ["fitness", "lr", "epoch", "value", "foo", "x1", "", "größe", "n"])
def test_names_that_say_nothing(name: str) -> None:
    assert named(name).direction is None


def test_some_hundred_metrics_are_known() -> None:
    assert len(canonical_names()) == len(set(canonical_names())) > 85


def test_every_usual_name_is_found_by_itself() -> None:
    for name in canonical_names():
        found = named(name)
        assert found.canonical == name
        assert named(f"val_{name.replace(' ', '_')}").direction == found.direction
        turned = named(f"neg_{name.replace(' ', '_')}")
        assert turned.direction != found.direction or name == "nll"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("val_loss", "validation"),
        ("validLoss", "validation"),
        ("dev F1", "validation"),
        ("cv_score", "validation"),
        ("test/acc", "test"),
        ("holdout auc", "test"),
        ("train_loss", "train"),
        ("training accuracy", "train"),
        ("loss", "unknown"),
        ("latest", "unknown"),
        ("value", "unknown"),
        ("validity", "unknown"),
        ("trust", "unknown"),
    ],
)
def test_split_by_name(name: str, split: str) -> None:
    assert split_of(name) == split


@given(st.text(max_size=300))
def test_any_text_is_a_name(text: str) -> None:
    found = named(text)
    assert (found.direction is None) == (found.log_odds == 0)
    assert all(word == word.lower() for word in words_of(text)) or not text.isascii()


def _run(name: str, *values: float) -> FirstRun:
    series = Series(name=name, values=values, count=len(values))
    return FirstRun(id="r", command="python t.py", image="i", exit_code=0, series=(series,))


def _guess(sentence: str, name: str, *values: float) -> tuple[object, float]:
    options = direction_options(sentence, name, [_run(name, *values)])
    chosen = by_score(options)
    return options.options[chosen.index].value, chosen.confidence


def test_name_range_and_sentence_together_are_sure() -> None:
    assert _guess("lower the test loss", "test_loss", 3.0, 2.0)[0] == "minimize"
    assert _guess("lower the test loss", "test_loss", 3.0, 2.0)[1] > 0.95
    assert _guess("make it more accurate", "accuracy", 0.93)[0] == "maximize"
    assert _guess("make it more accurate", "accuracy", 0.93)[1] > 0.95


def test_a_name_alone_is_less_sure() -> None:
    assert 0.7 < _guess("tune it", "accuracy")[1] < 0.9


@pytest.mark.parametrize(
    ("sentence", "name", "values"),
    [
        ("lower the accuracy", "accuracy", (0.93,)),
        ("raise the loss", "val_loss", (2.0, 1.0)),
        ("increase the rmse", "rmse", (2.0,)),
        ("reduce rmse", "rmse", (-3.0,)),
        ("improve it", "fitness", (-3.0, -2.0)),
        ("improve it", "loss_score", (0.4,)),
        ("improve it", "q", (5.0, 4.0, 3.0, 2.0, 1.0, 0.5)),
    ],
)
def test_contradiction_or_silence_is_never_sure(
    sentence: str, name: str, values: tuple[float, ...]
) -> None:
    assert _guess(sentence, name, *values)[1] < 0.8


def test_a_turned_sign_turns_the_way() -> None:
    assert _guess("reduce rmse", "neg_root_mean_squared_error", -3.0)[0] == "maximize"
    assert _guess("reduce rmse", "neg_root_mean_squared_error", -3.0)[1] > 0.9
    assert _guess("improve the fit", "mse", -3.0)[0] == "maximize"


def test_the_trend_speaks_where_the_name_doesnt() -> None:
    falling = _guess("make it better", "q", *(10.0 - n for n in range(10)))
    rising = _guess("make it better", "q", *(10.0 + n for n in range(10)))
    assert (falling[0], rising[0]) == ("minimize", "maximize")
    assert max(falling[1], rising[1]) < 0.8


@given(
    st.text(max_size=80),
    st.sampled_from(("lower", "raise", "improve", "minimise the", "")),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20),
)
def test_both_ways_are_always_offered_and_opposed(
    name: str, verb: str, values: list[float]
) -> None:
    options = direction_options(f"{verb} {name}", name, [_run(name, *values)] if name else [])
    assert {o.value for o in options.options} == {"maximize", "minimize"}
    assert options.options[0].score == pytest.approx(-options.options[1].score)
