"""Which way of a number is better: by its name, the sentence, its range and its trend."""

from collections.abc import Sequence

from agents.drafting.directions import NamedDirection, named
from agents.drafting.intent import Intent, understood
from labcrew.domain.draft import FirstRun, Option, Options, Series
from labcrew.domain.survey import Place

_NEVER_NEGATIVE = {
    *("mse", "rmse", "mae", "mape", "rmsle", "sse", "max error", "error", "brier", "perplexity"),
    *("wer", "cer", "eer", "ece", "inertia", "davies bouldin", "hamming", "edit distance"),
    *("distance", "fpr", "time", "latency", "reconstruction error", "log loss", "deviance"),
}
_SHARES = {
    *("accuracy", "balanced accuracy", "f1", "precision", "recall", "specificity", "auc", "ap"),
    *("jaccard", "dice", "purity", "nmi", "ndcg", "mrr"),
}
_LONG_ENOUGH = 5


def direction_options(sentence: str, name: str, runs: Sequence[FirstRun]) -> Options:
    """Whether a higher or a lower value is better; the two scores are never both high.

    Where the sentence and the name contradict each other neither is sure.

    Args:
        name: the number's, as the program spells it.
        runs: first runs, whose series of that name show its range and trend.
    """
    known = named(name)
    seen = [s for run in runs for s in run.series if s.name[:80] == name[:80] and s.values]
    reasons = [_by_name(name, known, seen), _by_range(name, known, seen), _by_trend(seen)]
    told = _by_sentence(understood(sentence), known)
    odds = sum(weight for weight, _why in reasons)
    if told[0] * odds < 0 and known.log_odds:
        # A person who asks for a lower accuracy means something else than they say.
        odds *= 0.15
        reasons.append((0.0, f"but the sentence says otherwise: {told[1]}"))
    elif told[0]:
        odds += told[0]
        reasons.append(told)
    because = "; ".join(why for _weight, why in reasons if why) or "nothing says which way"
    evidence: tuple[Place, ...] = seen[0].evidence[:2] if seen else ()
    options = [
        Option(
            label=label,
            value=value,
            score=round(score, 3),
            because=because[:600],
            evidence=evidence,
        )
        for label, value, score in (
            ("higher is better", "maximize", odds),
            ("lower is better", "minimize", -odds),
        )
    ]
    return Options(
        field="metric.direction",
        question=f"Is a higher or a lower {name} better?",
        options=tuple(sorted(options, key=lambda option: -option.score)),
        sentence=sentence,
    )


def _by_name(name: str, known: NamedDirection, seen: Sequence[Series]) -> tuple[float, str]:
    if not known.log_odds:
        return 0.0, f"the name {name} says nothing of it"
    values = [value for series in seen for value in series.values]
    if (
        known.direction == "minimize"
        and known.canonical in _NEVER_NEGATIVE
        and values
        and max(values) < 0
    ):
        # scikit-learn and others hand such numbers on with their sign turned.
        return 0.5, f"{known.canonical} is never negative, but this is: its sign seems turned"
    way = "higher" if known.direction == "maximize" else "lower"
    return known.log_odds, f"by its name, {known.canonical}: {way} is better"


def _by_range(name: str, known: NamedDirection, seen: Sequence[Series]) -> tuple[float, str]:
    """What the values' signs and sizes say, little by themselves."""
    values = [value for series in seen for value in series.values if value == value]
    if not values:
        return 0.0, ""
    low, high = min(values), max(values)
    sign = 1 if known.log_odds > 0 else -1
    if known.canonical in _SHARES and known.direction == "maximize":
        if low >= 0 and high <= 100:
            return 0.5, "its values lie as such a number's do"
        return -1.0, f"values of {low:.3g} to {high:.3g} are odd for {known.canonical}"
    if known.canonical in _NEVER_NEGATIVE and known.direction == "minimize" and low >= 0:
        return -0.4, "its values are not negative, as such a number's"
    if known.canonical == "loss" and known.direction == "minimize":
        return (-0.4, "its values are not negative") if low >= 0 else (0.4, "it can be negative")
    if known.canonical == "r2" and high > 1:
        return -1.0, "no r2 lies above 1"
    if known.log_odds:
        return 0.1 * sign, ""
    if high <= 0 and low < 0:
        return 0.3, "its values are negative, as likelihoods and turned losses are"
    if low >= 0 and high <= 1:
        return 0.3, "its values lie between 0 and 1, as most scores do"
    return -0.1, ""


def _by_trend(seen: Sequence[Series]) -> tuple[float, str]:
    """A number that falls while a program trains is probably one that should be low."""
    votes = []
    for series in seen:
        if len(series.values) < _LONG_ENOUGH:
            continue
        part = max(1, len(series.values) // 4)
        first, last = series.values[:part], series.values[-part:]
        change = sum(last) / part - sum(first) / part
        steps = [b - a for a, b in zip(series.values, series.values[1:], strict=False)]
        rough = sum(abs(step) for step in steps) / len(steps)
        if abs(change) > 2 * rough:
            votes.append(1 if change > 0 else -1)
    if not votes or abs(sum(votes)) < len(votes):
        return 0.0, ""
    return 0.6 * votes[0], f"it {'rises' if votes[0] > 0 else 'falls'} while the program runs"


def _by_sentence(intent: Intent, known: NamedDirection) -> tuple[float, str]:
    """What the sentence's verb says of this number, if it speaks of this number."""
    if intent.direction is None:
        return 0.0, ""
    sign = 1 if intent.direction == "maximize" else -1
    verb = "raise" if sign > 0 else "lower"
    if known.canonical and known.canonical in intent.metric:
        if known.direction != named(known.canonical).direction:
            # "Reduce rmse" of a number that is rmse with its sign turned.
            sign, verb = -sign, f"{verb}, and the number has its sign turned:"
        return 1.4 * sign, f"the sentence says {verb} {known.canonical}"
    if not known.log_odds and not intent.metric:
        return 1.2 * sign, f"the sentence says {verb}"
    if not known.log_odds and intent.metric:
        wanted = named(intent.metric[0])
        if wanted.direction == intent.direction:
            return 0.7 * sign, f"the sentence says {verb} {intent.metric[0]}"
    return 0.0, ""
