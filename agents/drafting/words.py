"""Words as they compare: split where names join them, cut to their stems, synonyms as one."""

import re
from collections.abc import Iterable

_ALIKE = (
    "accuracy acc precise", "loss cost objective", "error err mistake", "train fit learn",
    "validation valid val dev", "test holdout", "classifier classification classify",
    "regression regressor regress", "network net mlp neural", "learning_rate lr", "score metric",
    "rmse mse squared", "mae absolute", "auc roc auroc", "f1 fscore", "reward return",
    "image picture vision mnist", "text language nlp sentence", "cluster clustering kmeans",
    "forest tree ensemble", "boost boosting gbm xgboost lightgbm", "experiment main run",
    "perplexity ppl", "digit mnist", "predict prediction forecast",
)  # fmt: skip
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the a an of on in to for and or with by from at is it its our my make get more less lower"
        " raise higher better improve increase decrease reduce best good model py file script one"
        " want please this that as high low than",
    )
)
_SUFFIXES = ("ification", "ations", "ation", "ings", "ing", "ers", "ier", "er", "ed", "ies",
             "ions", "ion", "es", "s", "e", "y")  # fmt: skip


def stem(word: str) -> str:
    """A word without its ending; short words stay whole."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)]
    return word


_SYNONYM = {stem(word): group.split()[0] for group in _ALIKE for word in group.split()}


def words(text: str) -> list[str]:
    """The words of a text or a name, lower case."""
    found: list[str] = []
    for whole in re.findall(r"[A-Za-z][A-Za-z0-9]*", text):
        parts = re.findall(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*", whole) or [whole]
        found += [part.lower() for part in parts]
        if len(parts) > 1:
            found.append(whole.lower())
    return found


def subjects(text: str) -> frozenset[str]:
    """What a text speaks of: its words' stems, synonyms as one, without common words."""
    stems = {stem(word) for word in words(text) if word not in _COMMON and len(word) > 1}
    return frozenset(_SYNONYM.get(one, one) for one in stems)


def shared(wanted: frozenset[str], texts: Iterable[str]) -> frozenset[str]:
    """The subjects that any of some texts shares with what is wanted."""
    return wanted & frozenset().union(*(subjects(text) for text in texts), frozenset())
