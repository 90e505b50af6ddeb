"""Which way is better: what the names of metrics say, in all their spellings."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

Direction = Literal["maximize", "minimize"]

# Canonical name, how sure its direction is (log-odds), other spellings; words are parted by spaces.
_STRONG, _FAIR, _WEAK = 2.2, 1.4, 0.8
_MINIMISE: tuple[tuple[str, float, str], ...] = (
    ("loss", _STRONG, "losses|hinge|focal|objective loss|criterion"),
    ("log loss", _STRONG, "logloss|cross entropy|crossentropy|xent|ce loss|bce|xe|bceloss"),
    ("nll", _STRONG, "negative log likelihood|neg log likelihood|minus log likelihood|nlpd|nlogl"),
    ("perplexity", _STRONG, "ppl|pplx"),
    ("bpc", _STRONG, "bits per character|bits per char|bits per byte|bpb|bits per dim|bpd"),
    ("mse", _STRONG, "mean squared error|mean square error|l2 error|squared error|l2 loss|l2"),
    ("rmse", _STRONG, "root mean squared error|root mean square error|rmsd|nrmse|rms error|rms"),
    (
        "mae",
        _STRONG,
        "mean absolute error|l1 error|absolute error|l1 loss|l1|median absolute error",
    ),
    ("mape", _STRONG, "smape|wape|mean absolute percentage error|percentage error|mase"),
    ("rmsle", _STRONG, "msle|mean squared log error|mean squared logarithmic error"),
    ("sse", _STRONG, "sum of squared errors|rss|residual sum of squares|sum squared error"),
    ("max error", _STRONG, "maximum error|worst error"),
    ("pinball", _STRONG, "pinball loss|quantile loss|quantile error|tweedie|poisson deviance"),
    ("deviance", _STRONG, "mean deviance|gamma deviance"),
    (
        "error",
        _STRONG,
        "errors|err|error rate|misclassification|misclassification rate|mistakes|inaccuracy"
        "|zero one loss|misclassified|wrong|n errors|generalization error|top 1 error|top 5 error",
    ),
    ("brier", _STRONG, "brier score|brier loss"),
    ("ece", _STRONG, "calibration error|expected calibration error|mce"),
    ("wer", _STRONG, "word error rate"),
    ("cer", _STRONG, "character error rate|char error rate"),
    ("phoneme error rate", _STRONG, "translation edit rate|translation error rate"),
    ("eer", _STRONG, "equal error rate"),
    ("fid", _STRONG, "frechet inception distance|kid|fvd|fad"),
    ("lpips", _STRONG, ""),
    ("mmd", _FAIR, "maximum mean discrepancy|discrepancy"),
    ("wasserstein", _FAIR, "wasserstein distance|emd|earth mover distance|sinkhorn"),
    ("hausdorff", _FAIR, "hausdorff distance|chamfer|chamfer distance"),
    ("kl", _FAIR, "kl divergence|kl div|kld|kullback leibler|js divergence|divergence"),
    ("hamming", _FAIR, "hamming loss|hamming distance"),
    ("edit distance", _STRONG, "levenshtein"),
    ("distance", _FAIR, "dist"),
    ("stress", _FAIR, "kruskal stress"),
    ("regret", _STRONG, "cumulative regret|simple regret"),
    ("inertia", _STRONG, "within cluster sum of squares|wcss|distortion"),
    ("davies bouldin", _STRONG, "davies bouldin index|davies bouldin score|dbi|db index"),
    ("aic", _STRONG, "bic|aicc|akaike|schwarz"),
    ("gap", _WEAK, "duality gap|optimality gap|generalization gap"),
    ("residual", _FAIR, "residuals|residual norm"),
    ("reconstruction error", _STRONG, "reconstruction loss|recon loss|recon error|recon"),
    (
        "fpr",
        _STRONG,
        "false positive rate|false positives|false alarm rate|fnr|false negative rate",
    ),
    ("miss rate", _STRONG, "fdr|false discovery rate|fall out|false negatives"),
    ("cost", _FAIR, "costs|total cost|price|penalty|violation|violations"),
    ("energy", _WEAK, "free energy"),
    ("variance", _WEAK, "std|standard deviation"),
    ("objective", _WEAK, "objective value|obj"),
    (
        "time",
        _FAIR,
        "runtime|run time|seconds|secs|duration|elapsed|elapsed time|wall time|walltime|fit time"
        "|training time|train time|time taken|wall clock|done in|finished in|completed in"
        "|ms per step|sec per epoch|took",
    ),
    ("latency", _STRONG, "response time|inference time|p50|p95|p99|delay"),
    ("memory", _FAIR, "peak memory|memory usage|mem|peak mem"),
    ("size", _WEAK, "model size|file size|parameters|params|n params|num params|flops|macs"),
    ("makespan", _STRONG, "tour length|path length|route length|tardiness"),
)
_MAXIMISE: tuple[tuple[str, float, str], ...] = (
    (
        "accuracy",
        _STRONG,
        "acc|accuracies|accuracy score|top 1|top 5|top1|top5|top k accuracy|acc1|acc5|hits"
        "|correct|n correct|percent correct|classification rate|success rate|exact match|em score"
        "|prec 1|prec 5",
    ),
    ("balanced accuracy", _STRONG, "bacc|bal acc|balanced acc|mean class accuracy|uar"),
    ("f1", _STRONG, "f1 score|f score|fscore|f measure|macro f1|micro f1|weighted f1|f beta|f2"),
    ("precision", _STRONG, "prec|ppv|precision score|precision at k|p at k"),
    ("recall", _STRONG, "sensitivity|tpr|true positive rate|recall score|hit rate|hr|recall at k"),
    ("specificity", _STRONG, "tnr|true negative rate"),
    ("auc", _STRONG, "roc auc|auroc|aucroc|rocauc|roc auc score|area under the curve|gini|roc"),
    ("ap", _STRONG, "average precision|map|mean average precision|pr auc|auprc|aucpr|map50|map 50"),
    ("r2", _STRONG, "r squared|rsquared|r2 score|r 2|coefficient of determination|adjusted r2|q2"),
    ("explained variance", _STRONG, "explained variance score|explained variance ratio|evr"),
    ("correlation", _FAIR, "corr|pearson|spearman|kendall|spearmanr|pearsonr|kendall tau|ccc|ic"),
    ("mcc", _STRONG, "matthews|matthews corrcoef|matthews correlation coefficient|phi coefficient"),
    ("kappa", _STRONG, "cohen kappa|cohens kappa|qwk|quadratic weighted kappa|cohen kappa score"),
    ("jaccard", _STRONG, "iou|miou|mean iou|intersection over union|jaccard score|jaccard index"),
    ("dice", _STRONG, "dice coefficient|dice score|dsc|dice coef"),
    ("bleu", _STRONG, "sacrebleu|bleu score|bleu4|bleu 4|bleu1"),
    ("rouge", _STRONG, "rouge l|rouge 1|rouge 2|rougel|rouge1|rouge2|meteor|chrf|bertscore|cider"),
    ("ndcg", _STRONG, "dcg|normalized discounted cumulative gain"),
    ("mrr", _STRONG, "mean reciprocal rank|reciprocal rank|hits at 1|hits at 10"),
    ("psnr", _STRONG, "snr|si sdr|sdr|pesq|stoi|mos"),
    ("ssim", _STRONG, "ms ssim|similarity|cosine similarity|cos sim"),
    ("inception score", _STRONG, ""),
    ("silhouette", _STRONG, "silhouette score|silhouette coefficient"),
    ("calinski harabasz", _STRONG, "calinski harabasz score|ch index|variance ratio criterion"),
    ("dunn", _FAIR, "dunn index|trustworthiness"),
    ("ari", _STRONG, "adjusted rand|adjusted rand index|rand index|adjusted rand score|rand"),
    (
        "nmi",
        _STRONG,
        "ami|mutual information|v measure|normalized mutual info|adjusted mutual info|homogeneity"
        "|completeness|fowlkes mallows|adjusted mutual information|normalized mutual information",
    ),
    ("purity", _STRONG, "cluster purity"),
    ("modularity", _STRONG, ""),
    (
        "log likelihood",
        _STRONG,
        "likelihood|loglik|log lik|loglikelihood|ll|lower bound|log marginal likelihood|llf"
        "|log probability|log prob|logprob|log evidence|pseudo likelihood|marginal likelihood|lml",
    ),
    ("elbo", _STRONG, "evidence lower bound|variational lower bound"),
    (
        "reward",
        _STRONG,
        "rewards|return|returns|episode reward|mean reward|episodic return|episode return|payoff"
        "|utility|win rate|winrate|wins|profit|revenue|sharpe|sharpe ratio|elo",
    ),
    ("lift", _FAIR, "gain|uplift|improvement|information gain"),
    ("throughput", _STRONG, "samples per second|tokens per second|images per second|fps|qps"),
    ("speed", _FAIR, "speedup|it per s|iterations per second|tokens per sec|samples per sec"),
    ("score", 1.3, "scores|cv score|test score|mean score|best score|quality|performance"),
    ("coverage", _WEAK, "stability|margin|confidence|agreement|compression ratio"),
)
_MINUS = "\N{MINUS SIGN}"
OF_RUNS = frozenset({"time", "latency", "memory", "size", "speed", "throughput"})
"""Numbers that say how a run went: no data has a part in them."""
_EITHER = {"fitness", "value", "metric", "criterion", "objective function", "entropy", "elpd loo"}
"""Names of numbers whose better way depends on who wrote the program."""

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "tr": "train",
    "fit": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "cv": "validation",
    "oof": "validation",
    "oob": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "holdout": "test",
    "heldout": "test",
    "unseen": "test",
}
_AROUND = {"final", "best", "mean", "avg", "average", "total", "running", "current", "last", "the"}
_HUMPS = re.compile(r"(?<=[a-z\d])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_NEGATIONS = {"neg", "negative", "minus", "negated", "inverse", "inv"}
_REVERSED = {"reduction", "decrease", "improvement"}


@dataclass(frozen=True)
class NamedDirection:
    """What a name says of its metric.

    Attributes:
        canonical: the metric's usual name, e.g. "rmse"; empty where the name is unknown.
        log_odds: of "higher is better"; negative: lower is better; 0: the name doesn't say.
    """

    canonical: str
    log_odds: float

    @property
    def direction(self) -> Direction | None:
        if self.log_odds == 0:
            return None
        return "maximize" if self.log_odds > 0 else "minimize"


@cache
def _spellings() -> dict[tuple[str, ...], tuple[str, float]]:
    """Words → canonical name and log-odds of "higher is better"."""
    found: dict[tuple[str, ...], tuple[str, float]] = {}
    for sign, rows in ((-1, _MINIMISE), (1, _MAXIMISE)):
        for canonical, sure, others in rows:
            for spelling in (canonical, *filter(None, others.split("|"))):
                found.setdefault(tuple(spelling.split()), (canonical, sign * sure))
    for name in _EITHER:
        found[tuple(name.split())] = (name, 0.0)
    return found


@cache
def _joined() -> dict[str, tuple[str, ...]]:
    """Spellings without their spaces: "rocauc", "f1score", "logloss"."""
    return {"".join(words): words for words in _spellings() if len("".join(words)) > 2}


def canonical_names() -> tuple[str, ...]:
    """Every metric that is known by name."""
    return tuple(row[0] for row in (*_MINIMISE, *_MAXIMISE))


def words_of(name: str) -> tuple[str, ...]:
    """A name's words, in lower case: "valLoss/top-1" → val, loss, top, 1."""
    text = name[:200].replace("²", "2").replace(_MINUS, "-")
    text = re.sub(r"\^\s*2", "2", text)
    text = re.sub(
        r"(?<=[a-z\d])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})", " ", text
    )
    text = re.sub(r"@|(?<=\w)/s\b", lambda hit: " at " if hit[0] == "@" else " per s", text)
    return tuple(
        part for word in re.findall(r"[^\W_]+", text.lower()) for part in _parted(word) if part
    )


def _parted(word: str) -> tuple[str, ...]:
    """A word that is a split's and a metric's name at once: "valloss" → val, loss."""
    if word in _joined() or (word,) in _spellings() or word in SPLIT_WORDS:
        return (word,)
    for split in sorted(SPLIT_WORDS, key=len, reverse=True):
        rest = word.removeprefix(split)
        if rest != word and len(split) > 2 and (rest in _joined() or (rest,) in _spellings()):
            return (split, rest)
    return (word,)


_HELD_OUT = re.compile(r"(?i)(?<![a-z])(?:(?:held|hold)[\s_-]?out|unseen|kept[\s_-]aside)(?![a-z])")


def split_of(name: str) -> Literal["train", "validation", "test", "unknown"]:
    """The split that a number's name tells of: the first split's word that stands in it."""
    for word in words_of(name):
        split = SPLIT_WORDS.get(word)
        if split == "train":
            return "train"
        if split == "validation":
            return "validation"
        if split == "test":
            return "test"
    return "test" if _HELD_OUT.search(name) else "unknown"


def bare(name: str) -> tuple[str, ...]:
    """A metric's words without those for its split, or for which of its values it is."""
    words = words_of(name)
    kept = tuple(word for word in words if word not in SPLIT_WORDS and word not in _AROUND)
    return kept or words


def named(name: str) -> NamedDirection:
    """What is known of a metric by its name alone."""
    # "average precision" is a metric; "average" is none.
    whole = _found(words_of(name))
    words = bare(name)
    found = max(whole, _found(words), key=_reach)
    if not found:
        return NamedDirection("", 0.0)
    canonical, log_odds = _weighed([entry for entry, _length in found])
    if _turned(name, words, canonical):
        log_odds = -log_odds
    return NamedDirection(canonical, log_odds)


_Hit = tuple[tuple[str, float], int]


def _reach(hits: list[_Hit]) -> int:
    return max((length for _entry, length in hits), default=0)


def _found(words: tuple[str, ...]) -> list[_Hit]:
    """The known metrics in a name, longest spellings first taken, in the name's order."""
    known, joined = _spellings(), _joined()
    hits: list[_Hit] = []
    at = 0
    while at < len(words):
        for length in range(min(5, len(words) - at), 0, -1):
            part = words[at : at + length]
            spelt = part if part in known else joined.get("".join(part))
            if spelt is not None:
                hits.append((known[spelt], max(length, len(spelt))))
                at += length
                break
        else:
            at += 1
    return hits


def _weighed(found: list[tuple[str, float]]) -> tuple[str, float]:
    """One metric of several in a name: the surest; where two disagree it is no longer sure."""
    surest = max(found, key=lambda entry: abs(entry[1]))
    against = [odds for _name, odds in found if odds * surest[1] < 0]
    if not against:
        return surest
    last_name, last_odds = found[-1]
    return last_name, 0.4 * last_odds if abs(last_odds) >= _FAIR else surest[1] / 2


def _turned(name: str, words: tuple[str, ...], canonical: str) -> bool:
    """Whether a name says that the number is the other one's negative."""
    if canonical == "nll":
        return False
    minus = bool(re.match(rf"\s*(?:1(?:\.0)?\s*)?[-{_MINUS}]\s*[A-Za-z(]", name))
    first = bool(words) and words[0] in _NEGATIONS
    # "1-acc" and "one minus accuracy"
    from_one = len(words) > 1 and words[0] in {"1", "one"} and (minus or words[1] == "minus")
    last = len(words) > 1 and words[-1] in _REVERSED
    return (minus or first or from_one) != last
