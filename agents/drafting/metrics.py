"""Which of a program's numbers a sentence means; which way is better; on which data it stands."""

import re
from collections.abc import Sequence

from agents.drafting.directions import OF_RUNS, bare, named, split_of, words_of
from agents.drafting.intent import Intent, understood
from agents.drafting.predictions import computed_odds
from agents.drafting.splits import Split, split_of_series, split_scores
from labcrew.domain.base import canonical_json
from labcrew.domain.draft import FirstRun, Option, Options, Series
from labcrew.domain.measuring import ReportedNumber
from labcrew.domain.survey import EntryPoint, Place, Survey
from labcrew.domain.ticket import Doubt


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BOOKKEEPING = _set(
    "epoch epochs step steps iter iteration iterations it lr rate learning batch batches"
    " seed support count shape version eta norm grad alpha beta gamma momentum device rank"
    " fold port samples features classes rows cols columns length width height total"
    " progress eps epsilon n num number index id idx pid gpu cpu memory mem size threshold"
    " temperature patience remaining estimators trees depth clusters components neighbors"
    " update updates frames"
)
_RELATED: dict[str, dict[str, float]] = {
    "loss": {
        **dict.fromkeys(("log loss", "nll", "mse", "reconstruction error", "objective"), 2.4),
        **dict.fromkeys(("deviance", "rmse", "mae", "cost", "error", "elbo", "perplexity"), 1.4),
    },
    "error": {
        **dict.fromkeys(("mse", "rmse", "mae", "mape", "rmsle", "wer", "cer", "max error"), 2.2),
        **dict.fromkeys(("reconstruction error", "sse", "eer", "accuracy", "loss"), 1.2),
        "r2": 0.4,
    },
    "accuracy": {"balanced accuracy": 1.6, "score": 1.6, "error": 1.2, "f1": 0.6, "auc": 0.4},
    "score": {
        **dict.fromkeys(("accuracy", "r2", "f1", "auc", "silhouette", "ap", "reward"), 1.6),
        **dict.fromkeys(("balanced accuracy", "explained variance", "log likelihood"), 1.2),
    },
    "log loss": {"loss": 2.2, "nll": 2.2},
    "nll": {"loss": 1.6, "log loss": 2.2, "log likelihood": 2.0, "perplexity": 1.2},
    "mse": {"rmse": 1.8, "loss": 1.8, "error": 1.6, "mae": 0.8},
    "rmse": {"mse": 1.8, "error": 1.6, "loss": 0.8, "mae": 0.8},
    "log likelihood": {"elbo": 1.6, "score": 1.2, "nll": 2.0, "loss": 0.6},
    "reward": {"score": 1.2, "cost": 0.4},
    "time": {"latency": 1.8, "speed": 1.6, "throughput": 1.6},
    "speed": {"throughput": 2.4, "time": 1.8, "latency": 1.6},
    "fpr": {"precision": 1.2, "specificity": 1.6},
}
"""What a sentence names → what else may be meant by it, in log-odds."""
_HINTS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("classifier", "classification", "classes", "recognition", "classify"),
        frozenset({"accuracy", "balanced accuracy", "f1", "auc", "error"}),
    ),
    **dict.fromkeys(
        ("regression", "regressor", "forecast", "forecasts"),
        frozenset({"r2", "rmse", "mse", "mae", "mape"}),
    ),
    **dict.fromkeys(
        ("clusters", "cluster", "clustering", "clusterings"),
        frozenset({"silhouette", "ari", "nmi", "inertia", "purity", "davies bouldin"}),
    ),
    **dict.fromkeys(("agent", "policy", "player"), frozenset({"reward", "score"})),
    **dict.fromkeys(("language", "topics", "text"), frozenset({"perplexity", "loss", "bpc"})),
    **dict.fromkeys(("density", "mixture", "probabilistic"), frozenset({"log likelihood", "nll"})),
    **dict.fromkeys(("retrieval", "ranking", "search"), frozenset({"ndcg", "mrr", "ap", "recall"})),
    **dict.fromkeys(("segmentation", "masks"), frozenset({"jaccard", "dice"})),
}
_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)"
_MOST = 30


def metric_options(
    sentence: str, survey: Survey, entry: EntryPoint, runs: Sequence[FirstRun]
) -> Options:
    """The numbers that runs showed, as answers to "which of them is meant?".

    Args:
        sentence: what the person wants.
        runs: first runs of the entry point, with their series.

    Returns:
        Options whose values are objects {"name", "split", "file", "pattern"}, and
        "computed" with two columns of the file where it must be computed; without any option where
        the runs showed no number.
    """
    intent = understood(sentence)
    seen = seen_numbers(runs)
    splits = [split_of_series(series, survey, entry) for series in seen]
    whole = [run for run in runs if run.exit_code == 0] or list(runs)
    options = []
    for series, split in zip(seen, splits, strict=True):
        others = [
            s
            for other, s in zip(seen, splits, strict=True)
            if named(other.name).canonical == named(series.name).canonical
        ]
        reasons = _reasons(intent, series, split, others, whole)
        if series.computed:
            reasons.append(computed_odds(sentence, series))
        options.append(
            Option(
                label=f"{series.name} ({split})" if split != "unknown" else series.name,
                value={
                    "name": series.name[:80],
                    "split": split,
                    "file": series.file or None,
                    "pattern": None if series.file else pattern_of(series),
                    **({"computed": list(series.computed)} if series.computed else {}),
                },
                score=round(sum(weight for weight, _why in reasons), 3),
                because="; ".join(why for _weight, why in reasons if why)[:600] or "it is shown",
                evidence=series.evidence[:3],
            )
        )
    options.sort(key=lambda option: -option.score)
    return Options(
        field="metric",
        question="Which number says whether a run came closer to what you want?",
        options=tuple(options[:_MOST]),
        sentence=sentence,
    )


def pattern_of(series: Series) -> str:
    """A pattern that reads the number from the output: the one it was seen by, else its name's."""
    return series.pattern or rf"{re.escape(series.name)}\s*[=:]?\s*{_NUMBER}"


def seen_numbers(runs: Sequence[FirstRun]) -> list[Series]:
    """Every number once: what several runs show is one, and so is what stands in two places."""
    found: dict[str, Series] = {}
    for run in runs:
        for series in run.series:
            if series.values:
                found.setdefault(canonical_json([series.name, series.file, series.pattern]), series)
    kept: list[Series] = []
    # Of one number in a file and in the output the file's is the surer reading.
    for series in sorted(found.values(), key=lambda s: not s.file):
        twin = any(
            bare(series.name) == bare(other.name)
            and split_of(series.name) == split_of(other.name)
            and series.split == other.split
            and series.file != other.file
            and abs(series.values[-1] - other.values[-1]) <= 1e-3 * abs(other.values[-1])
            for other in kept
        )
        if not twin:
            kept.append(series)
    order = list(found.values())
    return sorted(kept, key=order.index)


def _reasons(
    intent: Intent, series: Series, split: Split, alike: Sequence[Split], runs: Sequence[FirstRun]
) -> list[tuple[float, str]]:
    """Why a number may be the one that is meant, each reason with its log-odds."""
    name, words = named(series.name).canonical, bare(series.name)
    found: list[tuple[float, str]] = [(-0.5, "")]
    found.append(_asked(intent, series.name, name))
    overlap = {w for w in words if w in intent.words and not named(w).canonical}
    if overlap:
        found.append((1.2 * min(len(overlap), 2), f"the sentence says {' '.join(sorted(overlap))}"))
    wanted = set(intent.metric)
    if name in OF_RUNS and not wanted & OF_RUNS:
        found.append((-2.5, "it says how a run went, not how good its result is"))
    if not name and words and all(w in _BOOKKEEPING or w.isdigit() for w in words):
        found.append((-3.5, "it counts or sets something"))
    hinted = {name for word in intent.words for name in _HINTS.get(word, ())}
    if not wanted and name in hinted:
        found.append((0.9, f"{name} is usual for what the sentence speaks of"))
    if name not in OF_RUNS:
        found.append(_data(intent, split, alike))
    found.append(_summary(intent, tuple(words)))
    whole = set(words_of(series.name))
    if whole & {"average", "avg", "mean", "macro"}:
        found.append((0.3, ""))  # beside it often stands the same of one step or class
    elif whole & {"last", "current", "running"}:
        found.append((-0.3, ""))
    last = [s.values[-1] for run in runs for s in run.series if s.name == series.name and s.values]
    missing = len(runs) - sum(any(s.name == series.name for s in run.series) for run in runs)
    if missing and len(runs) > 1:
        found.append((-1.0, f"{missing} of {len(runs)} runs don't show it"))
    if len({run.seed for run in runs}) > 1 and len(last) > 2 and len(set(last)) == 1:
        found.append((-0.4, "it is the same whatever the seed"))
    if series.file:
        found.append((0.2, f"it stands in {series.file}"))
    return found


def _asked(intent: Intent, spelt: str, name: str) -> tuple[float, str]:
    """How well a number's name agrees with what the sentence names."""
    if spelt in intent.mentions:
        return 3.2, f"the sentence spells {spelt}"
    if not intent.metric:
        known = named(spelt)
        if not name or known.direction is None:
            return 0.0, "its name is no usual metric's"
        return min(1.2, abs(known.log_odds)), f"{name} is a usual metric"
    if name == intent.metric[0]:
        return 3.0, f"the sentence asks for {name}"
    if name in intent.metric:
        return 2.2, f"the sentence names {name} too"
    related = max((_RELATED.get(w, {}).get(name, 0.0) for w in intent.metric), default=0.0)
    if related:
        return related, f"the sentence asks for {intent.metric[0]}; {name} is close to it"
    return -1.2, f"the sentence asks for {intent.metric[0]}, not for this"


def _summary(intent: Intent, words: tuple[str, ...]) -> tuple[float, str]:
    """What a statistic over a population or over folds is worth as the number that is meant."""
    if set(words) & {"std", "stdev", "variance", "stddev", "nevals", "evals"}:
        return -3.0, "it says how numbers scatter, not how good they are"
    best = {"minimize": {"min", "minimum", "lowest"}, "maximize": {"max", "maximum", "highest"}}
    if intent.direction and set(words) & best[intent.direction]:
        return 1.2, "it is the best of those that the program keeps"
    return 0.0, ""


def _data(intent: Intent, split: Split, alike: Sequence[Split]) -> tuple[float, str]:
    """What the data a number stands on is worth, beside the same metric on other data."""
    if split == "train":
        if {"validation", "test"} & set(alike):
            return -3.5, "it is a training number, and one on unseen data is there"
        return (-0.2 if intent.split == "train" else -0.8), "it is a training number"
    if split == "validation":
        odds = 1.0 if intent.split != "train" else 0.2
        both = "; the test number is kept for the end" if "test" in alike else ""
        return odds + 0.5 * bool(both), "it is a validation number" + both
    if split == "test":
        if "validation" in alike:
            return -0.8, "it is a test number: kept for the end, runs are chosen by validation"
        return (0.8 if intent.split == "test" else 0.5), "it is a test number, the only unseen one"
    return 0.0, ""


def split_options(
    sentence: str,
    survey: Survey,
    entry: EntryPoint,
    runs: Sequence[FirstRun],
    metric: dict[str, object],
) -> Options:
    """On which data the chosen number is computed.

    Args:
        metric: a value of `metric_options`.
    """
    series = chosen_series(runs, metric)
    scores = split_scores(series, survey, entry, understood(sentence))
    return Options(
        field="metric.split",
        question=f"On which data is {metric['name']} computed?",
        options=tuple(
            Option(
                label={
                    "train": "the training data",
                    "validation": "validation data, by which runs may be chosen",
                    "test": "test data",
                    "unknown": "all data, or it can't be told",
                }[split],
                value=split,
                score=score,
                because=because,
                evidence=evidence,
            )
            for split, (score, because, evidence) in sorted(
                scores.items(), key=lambda item: -item[1][0]
            )
        ),
        sentence=sentence,
    )


def chosen_series(runs: Sequence[FirstRun], metric: dict[str, object]) -> Series:
    """The first run's series that a value of `metric_options` speaks of."""
    for run in runs:
        for series in run.series:
            same = series.name[:80] == metric["name"] and (series.file or None) == metric["file"]
            if same and (series.file or pattern_of(series) == metric["pattern"]):
                return series
    return Series(name=str(metric["name"]), values=(), count=0)


def holdout_number(
    metric: dict[str, object], survey: Survey, entry: EntryPoint, runs: Sequence[FirstRun]
) -> ReportedNumber | None:
    """The test number beside a validation number of the same metric, if a run shows one."""
    if metric["split"] != "validation":
        return None
    name = str(metric["name"])
    tests = [
        series
        for series in seen_numbers(runs)
        if split_of_series(series, survey, entry) == "test"
        and named(series.name) == named(name)
        and (named(name).canonical or bare(series.name) == bare(name))
    ]
    if not tests:
        return None
    closest = max(tests, key=lambda s: len(set(words_of(s.name)) & set(words_of(name))))
    pattern = None if closest.file else pattern_of(closest)
    return ReportedNumber(name=closest.name[:80], file=closest.file or None, pattern=pattern)


def split_doubts(metric: dict[str, object], split: Split, confidence: float) -> tuple[Doubt, ...]:
    """What a person must know of a number that isn't computed on validation data."""
    name = metric["name"]
    told = {
        "train": f"{name} is computed on the training data: a better one may only be learnt by"
        " heart. No number on unseen data is shown.",
        "test": f"{name} is a test number and runs are chosen by it, so the winner's is flattered."
        " The program shows no validation number.",
        "unknown": f"It can't be told on which data {name} is computed; it may be the data that"
        " was learnt from.",
    }
    because = told.get(split)
    if because is None or named(str(name)).canonical in OF_RUNS:
        return ()
    return (Doubt(field="metric.split", confidence=confidence, because=because),)


def metric_evidence(runs: Sequence[FirstRun], metric: dict[str, object]) -> tuple[Place, ...]:
    """The lines that show the chosen number."""
    return chosen_series(runs, metric).evidence[:5]
