"""What a metric's name says: its role in training, and which way is better."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Literal, get_args

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
ROLES: tuple[Role, ...] = get_args(Role)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Camel case has words, too: "valLoss".
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_VALIDATION = _set("val valid validation eval evaluation test dev holdout heldout valset oob cv")
_LOSSES = _set(
    "loss losses nll bpb bpc bpd perplexity ppl crossentropy xent ce bce kld mse rmse mae "
    "mape msle rmsle logloss multilogloss mlogloss binarylogloss crossentropyloss "
    "huber objective energy deviance error err merror wer cer inertia elbo cost "
    "residual msee nrmse ece eer"
)
_LOSSES_OF_DATA = _set("l1 l2 quantile poisson gamma tweedie")
"""Losses beside the data that they are of: alone they are constants that a program was given."""
_DATA_NAMES = _set("train training loss error objective")
_LOSSES_AT_THE_END = _set("loss losses err error")
"""As a name's last word they say what the whole is: "dice_loss" falls."""
_FALLING_SCORES = _set("brier fid kid bouldin lpips")
_LOSS_PAIRS = frozenset(
    {
        ("cross", "entropy"),
        ("squared", "error"),
        ("absolute", "error"),
        ("log", "loss"),
        ("kl", "div"),
        ("kl", "divergence"),
        ("cross", "ent"),
    }
)
_RISING = _set(
    "acc accuracy auc auroc auprc aucpr f1 f2 fscore precision recall r2 map ap map50 "
    "bleu sacrebleu chrf rouge rouge1 rouge2 rougel meteor score iou miou dice jaccard "
    "ndcg mrr hits hit em ssim psnr reward return returns likelihood elo top1 top5 kappa "
    "mcc matthews sensitivity specificity win improvement improve pearson spearman "
    "spearmanr ari nmi silhouette pass correct mfu success"
)
_GRADIENT = _set("grad grads gradient gradients")
_GRADIENT_WHOLE = frozenset({"gnorm", "gradnorm", "grad_norm", "total_norm"})
_TIME = _set("time secs seconds sec ms latency duration elapsed took dt")
_DATA = _set("data dataloader dataloading loader fetch input batching io")
_STEP = _set("step iter iteration batch it forward backward fwd bwd iterations")
_PER_SECOND = re.compile(
    r"(?:/|_per_|\bper\b|p)\s*_?(?:s|sec|secs|second|seconds)\Z|_per_s(?:ec(?:ond)?)?(?:_|/|\Z)",
    re.IGNORECASE,
)
_RATES = _set("throughput wps ups tps fps qps ips sps tgs speed bps")
_MEMORY = _set("mem memory rss vram vms gpumem reserved allocated maxrss heap cached swap ram")
_RATE_NAMES = frozenset({"lr", "lrs", "learning_rate", "learningrate", "base_lr", "lr_scale"})
_NOT_A_LOSS = _set("scale weight scaler coef coefficient lambda weighting count")


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a printed name in lower case: "valid_1's l2" → valid, 1, s, l2."""
    return tuple(word.lower() for word in _WORD.findall(name[:200]))


def _pairs(words: tuple[str, ...]) -> set[tuple[str, str]]:
    return set(pairwise(words))


def is_loss(name: str) -> bool:
    """Whether a number of that name is a loss or an error, which training makes smaller."""
    return role(name) in ("train_loss", "validation_loss")


@lru_cache(maxsize=4096)
def role(name: str) -> Role:
    """The part that a number of that name plays in training; "other" where none is known.

    Args:
        name: as a program prints it: "val_loss", "valid_1's l2", "train/gnorm", "tokens/s".
    """
    words = words_of(name)
    known = set(words)
    lowered = name.lower()
    if _GRADIENT_WHOLE & {lowered.rsplit("/", 1)[-1], *words} or (
        _GRADIENT & known and known & {"norm", "norms", "magnitude", "l2"}
    ):
        return "gradient_norm"
    if known & _RATE_NAMES or {("learning", "rate"), ("learn", "rate")} & _pairs(words):
        return "learning_rate"
    if known & _RATES or _PER_SECOND.search(lowered):
        return "throughput"
    if known & _TIME:
        if known & _DATA:
            return "data_time"
        if lowered == "dt" or known & _STEP:
            return "step_time"
        return "other"
    if lowered in ("data", "data_wait", "dataloader_wait", "data_s"):
        return "data_time"
    if re.search(r"(?:\A|[_/ ])m?s(?:ec)?/(?:batch|step|it|iter)\Z", lowered):
        return "step_time"
    if known & _MEMORY:
        return "memory"
    better = lower_is_better(name)
    if lowered in ("learn", "test"):  # CatBoost prints its loss under these names
        better = True
    if better is None:
        return "other"
    held_out = bool(known & _VALIDATION)
    if better:
        return "validation_loss" if held_out else "train_loss"
    return "validation_metric" if held_out else "train_metric"


@lru_cache(maxsize=4096)
def lower_is_better(name: str) -> bool | None:
    """Whether less of it is better: True for losses, False for scores, None where unknown.

    Args:
        name: as a program prints it. A score's name wins: "neg_mean_squared_error_score" rises.
    """
    words = words_of(name)
    known = set(words)
    if known & _NOT_A_LOSS:
        return None
    if words and words[0] in ("neg", "negative") and not known & {"likelihood"}:
        return False if known & _LOSSES else None
    if ("log", "likelihood") in _pairs(words):
        return bool(known & {"neg", "negative"})
    named = [word for word in words if not word.isdigit()]
    if (named and named[-1] in _LOSSES_AT_THE_END) or (
        known & _FALLING_SCORES and "skill" not in known
    ):
        return True
    if known & _RISING or words[-2:] == ("r", "squared"):
        return False
    if known & _LOSSES or _pairs(words) & _LOSS_PAIRS:
        return True
    if known & _LOSSES_OF_DATA and known & (_VALIDATION | _DATA_NAMES):
        return True
    if any(word.endswith(("loss", "logloss", "error", "entropy", "rmse", "mae")) for word in words):
        return True
    if any(word.endswith(("accuracy", "auc", "f1", "score")) for word in words):
        return False
    return None
