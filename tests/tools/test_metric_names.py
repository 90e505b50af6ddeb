"""Roles and directions of the names that programs print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.metric_names import ROLES, is_loss, lower_is_better, role

NAMES = {
    "train_loss": (
        "loss Loss train_loss train/loss trainLoss Avg._loss training's_l2 train-rmse nll ppl learn"
        " mean_squared_error train-logloss Train_Loss neg_log_likelihood inertia mlm_loss dice_loss"
        " brier_score fid f1_loss_0"
    ),
    "validation_loss": (
        "val_loss eval_loss valLoss valid_1's_l2 eval-rmse validation_0-rmse test_error val/ppl"
        " test valid_1's_binary_logloss eval_mean_absolute_error dev_nll"
    ),
    "train_metric": "acc accuracy train_acc trainAcc Acc@1 train-auc mAP@0.5 f1 reward BLEU",
    "validation_metric": (
        "val_acc eval_accuracy test_accuracy valid_1's_auc eval-auc Validation_score val/f1"
    ),
    "gradient_norm": "grad_norm gnorm grad/norm gradient_norm train/grad_norm total_norm",
    "learning_rate": "lr learning_rate learn_rate lr-Adam base_lr Learning_rate train/lr",
    "throughput": (
        "tokens/s samples_per_sec wps ups it/s eval_samples_per_second examples/sec throughput"
        " train_steps_per_second"
    ),
    "data_time": "data_time Data dataloader_time data/time fetch_time",
    "step_time": "step_time batch_time iter_time ms/batch forward_time dt s/it",
    "memory": "mem max_mem gpu_mem memory_mb rss vram",
    "other": (
        "epoch step total remaining Remaining_Time v_num loss_scale weight_decay T Norm Bias best"
        " gamma l1 l2 poisson quantile time elapsed train_runtime total_flos best_gain ll_change"
        " num_updates seed port worker"
    ),
}


@pytest.mark.parametrize(
    ("name", "expected"), [(name, kind) for kind, names in NAMES.items() for name in names.split()]
)
def test_roles(name: str, expected: str) -> None:
    assert role(name) == expected
    assert is_loss(name) == (expected in ("train_loss", "validation_loss"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val_loss", True), ("eval-rmse", True), ("ppl", True), ("wer", True), ("test_error", True),
        ("accuracy", False), ("val_f1", False), ("r2", False), ("neg_mean_squared_error", False),
        ("log_likelihood", False), ("neg_log_likelihood", True), ("macro_f1_score", False),
        ("davies_bouldin_score", True), ("brier_skill_score", False), ("val_dice_loss", True),
        ("dice", False), ("loss_improvement", False), ("lr", None), ("step", None),
        ("loss_scale", None), ("tokens/s", None), ("", None),
    ],
)  # fmt: skip
def test_directions(name: str, expected: bool | None) -> None:
    assert lower_is_better(name) is expected


@given(st.text(max_size=120))
def test_every_name_has_a_role(name: str) -> None:
    assert role(name) in ROLES
    assert lower_is_better(name) in (True, False, None)
