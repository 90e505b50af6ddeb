"""Which of a run's numbers are losses, validation numbers, gradient norms, by their names."""

import re
from functools import lru_cache
from typing import Literal

Role = Literal[
    "train_loss",
    "validation_loss",
    "train_metric",
    "validation_metric",
    "gradient_norm",
    "learning_rate",
    "throughput",
    "data_time",
    "step_time",
    "memory",
    "other",
]

_WORD = re.compile(r"([a-z]+)(\d*)")
_LOSSES = {"loss", "losses", "nll", "elbo", "perplexity", "ppl", "logloss", "mlogloss", "rmse"}
_LOSSES |= {"mse", "mae", "rmsle", "mape", "deviance", "objective", "l1", "l2", "merror", "error"}
_METRICS = {"acc", "accuracy", "f1", "auc", "auroc", "precision", "recall", "bleu", "rouge", "map"}
_METRICS |= {"reward", "return", "score", "r2", "iou", "miou", "dice", "psnr", "ssim", "mcc", "ap"}
_METRICS |= {"top1", "top5", "success", "ndcg", "kappa"}
_VALIDATION = {"val", "valid", "validation", "eval", "evaluation", "test", "dev", "holdout"}


def is_loss(name: str) -> bool:
    """Whether lower is better by the name's own meaning."""
    lowered = name.lower()
    return any(word in lowered for word in ("loss", "nll", "perplexity", "cross_entropy"))


@lru_cache(maxsize=1024)
def role(name: str) -> Role:
    """What a printed number is, by its name alone.

    Args:
        name: as printed, e.g. "val_loss", "train/grad_norm" or "validation_0-logloss".
    """
    lowered = name[:80].lower()
    words = {
        word for letters, digits in _WORD.findall(lowered) for word in (letters, letters + digits)
    }
    if "lr" in words or "learning_rate" in lowered or "learningrate" in lowered:
        return "learning_rate"
    if "gnorm" in words or ("grad" in lowered and "norm" in lowered):
        return "gradient_norm"
    timing = _timing(lowered, words)
    if timing is not None:
        return timing
    if "best" in words:
        return "other"
    validation = bool(words & _VALIDATION)
    if is_loss(name) or words & _LOSSES:
        return "validation_loss" if validation else "train_loss"
    if words & _METRICS or lowered in ("r2", "f1"):
        return "validation_metric" if validation else "train_metric"
    return "other"


def _timing(lowered: str, words: set[str]) -> Role | None:
    if words & {"throughput", "ips", "fps", "sps"} or re.search(
        r"(?:it|its|samples|tokens|tok|steps|examples|images)(?:/|_?per_?)s", lowered
    ):
        return "throughput"
    if words & {"mem", "memory", "rss", "vram"}:
        return "memory"
    timed = bool(words & {"time", "s", "ms", "sec", "seconds", "wait"})
    if timed and words & {"data", "dataloader", "loader", "fetch", "load"}:
        return "data_time"
    if timed and words & {"step", "batch", "iter", "it", "iteration"}:
        return "step_time"
    return None
