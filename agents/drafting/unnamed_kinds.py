"""Ranges for numbers whose names say nothing: by their value, and only where nothing better is."""

import re

from labcrew.domain.search_space import FloatParameter, IntParameter, Parameter, Value
from labcrew.domain.survey import Setting

OWNED_CHOICES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"(?:Nu)?SV[CR]|OneClassSVM|KernelRidge|GaussianProcess\w*", "kernel",
     ("linear", "poly", "rbf", "sigmoid")),
    (r"MLP\w+", "activation", ("identity", "logistic", "tanh", "relu")),
    (r"MLP\w+", "solver", ("lbfgs", "sgd", "adam")),
    (r"KNeighbors\w+|RadiusNeighbors\w+", "weights", ("uniform", "distance")),
    (r"\w*(?:Forest|Trees?|Tree)Classifier", "criterion", ("gini", "entropy", "log_loss")),
    (r"CalibratedClassifierCV", "method", ("sigmoid", "isotonic")),
    (r"SpectralBiclustering", "method", ("bistochastic", "scale", "log")),
    (r"AgglomerativeClustering", "linkage", ("ward", "complete", "average", "single")),
    (r"SpectralClustering", "assign_labels", ("kmeans", "discretize", "cluster_qr")),
    (r"(?:MiniBatch)?KMeans", "init", ("k-means++", "random")),
    (r"(?:Bayesian)?GaussianMixture|GaussianHMM|GMMHMM", "covariance_type",
     ("full", "tied", "diag", "spherical")),
    (r"SGD(?:Classifier|Regressor)", "penalty", ("l2", "l1", "elasticnet")),
    (r"SimpleImputer", "strategy", ("mean", "median", "most_frequent")),
)  # fmt: skip
"""Owner, keyword, and values of it that all work with the owner's other defaults."""
_NO_LEARNER = re.compile(
    r"(?i)(?:make|load|fetch|generate|plot|draw|print|show|save|write|read|open|get|set|add|format"
    r"|figure|subplots?|scatter|hist|imshow|arrow|text|title|legend|annotate|axis|colou?r|bar|fill"
    r"|array|arange|linspace|logspace|zeros|ones|full|empty|eye|stack|concat|reshape|repeat|tile"
    r"|sum|mean|std|var|min|max|argsort|sort|round|choice|uniform|normal|randint|rand|random"
    r"|permut|shuffle|range|dict|list|tuple|zip|enumerate|record|create|compile|log|time|sleep"
    r"|parse|evaluat|score|metric|report|accuracy|cross_val|train_test|split|partial|lambda|array"
    r"|statistic|simulat|count|test|check|assert|warn|filter)"
)
_NO_SETTING = re.compile(
    r"(?i)(?:sum|total|count|idx|index|i|j|k|x|y|axis|dim|ndim|size|shape|days?|start|stop|end"
    r"|best|current|prev|last|first|gen|verbose|replace|copy|dtype|width_of|weights|arity"
    r"|n|nb|num|number)_?|(?:n|nb|num)_(?:rows|cols|features|classes|inputs|outputs|samples|vars?"
    r"|variables|days|points|items|queens|cities|bits|genes|images|users)|test_\w+|\w+_(?:dir|row|"
    r"col|id|test|size_of)"
)


def owned_choices(setting: Setting) -> tuple[Value, ...]:
    """The values that a well-known estimator takes for a text of its own; none where unknown."""
    name = _own(setting.name)
    for owner, keyword, choices in OWNED_CHOICES:
        known = name == keyword and setting.default in choices
        if known and re.fullmatch(owner, setting.owner):
            return choices
    return ()


def by_value(setting: Setting) -> tuple[int, Parameter, str] | None:
    """A tier (less is likelier to matter), a range and a reason; None for what is no number.

    Tier 1 belongs to an option, a constant of the module, or an object that is made; tier 2 to a
    call of a function, or to a constant within one.
    """
    default, name = setting.default, _own(setting.name)
    if isinstance(default, bool) or not isinstance(default, int | float):
        return None
    owner = setting.owner
    if owner and _NO_LEARNER.match(owner):
        # Operators of evolution are registered under a common name.
        if owner != "register" or not re.search(r"size|min_|max_|indpb|sigma|mu|eta|prob", name):
            return None
    elif _NO_SETTING.fullmatch(name) and owner != "population":
        return None
    made = _range(default)
    if made is None:
        return None
    called = setting.mechanism in ("keyword", "constant") and owner and not owner[:1].isupper()
    why = f"its name says little; a range around its default {default:g}"
    return (2 if called else 1), made, why


def _own(name: str) -> str:
    return re.sub(r"/\d+$", "", name).rpartition(".")[2]


def _range(default: float) -> Parameter | None:
    if isinstance(default, int):
        if not 1 <= default <= 10_000:
            return None
        return IntParameter(type="int", low=max(1, default // 4), high=4 * default, log=True)
    if not 1e-9 < default < 1e6:
        return None
    if default >= 1:
        return FloatParameter(type="float", low=default / 10, high=default * 10, log=True)
    if default > 0.9:
        rest = 1 - default
        low, high = _short(1 - min(0.5, 10 * rest)), _short(1 - rest / 10)
        return FloatParameter(type="float", low=low, high=high) if low < high else None
    if default >= 0.1:
        return FloatParameter(type="float", low=_short(default / 5), high=min(0.95, default * 2))
    low, high = _short(default / 10), _short(default * 10)
    return FloatParameter(type="float", low=low, high=high, log=True)


def _short(value: float) -> float:
    return float(f"{value:.4g}")
