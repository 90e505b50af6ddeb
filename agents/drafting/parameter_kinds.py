"""What a setting is to a program, by its name, and the bounds that are safe for such a one."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from labcrew.domain.search_space import (
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Role,
    Value,
)

Number = int | float
Made = tuple[Parameter, str] | None
"""A parameter and why these bounds; None where its default fits no such parameter."""


def _log(times: float, most: float, unset: tuple[float, float], role: Role) -> "Maker":
    def make(default: Number | None, whole: bool) -> Made:
        if default is not None and not abs(default) < 1e9:
            return None
        if not default or default < 1e-12:
            low, high = unset
            why = f"{default} is its default; small values beside it"
        else:
            low, high = default / times, max(default * 2, min(default * times, most))
            why = f"{times:g} times less and more than its default {default}"
        low, high = float(f"{low:.3g}"), float(f"{high:.3g}")
        return FloatParameter(type="float", low=low, high=high, log=True, role=role), why

    return make


def _fraction(low: float, high: float) -> "Maker":
    def make(default: Number | None, whole: bool) -> Made:
        if default is not None and not 0 <= default <= 1:
            return None
        ends = min(low, default or low), max(high, default or high)
        why = f"a share; its default is {default}"
        return FloatParameter(type="float", low=ends[0], high=ends[1]), why

    return make


def _size(times: int, unset: tuple[int, int] | None = None) -> "Maker":
    def make(default: Number | None, whole: bool) -> Made:
        if default is None or default < 1:
            if unset is None or (default or 0) > 0:
                return None
            why = f"usual sizes; its default is {default}"
            return IntParameter(type="int", low=unset[0], high=unset[1], log=True), why
        if not default < 1e9 or default != int(default):
            return None
        low, high = max(1, int(default) // times), int(default) * times
        why = f"up to {times} times less and more than its default {default}"
        return IntParameter(type="int", low=low, high=high, log=True), why

    return make


def _batch(default: Number | None, whole: bool) -> Made:
    if default is None or not 1 <= default < 1e9 or default != int(default):
        return None
    near = {int(default)} | {max(1, int(default * f)) for f in (0.25, 0.5, 2)}
    choices = tuple(sorted(near))
    why = f"no more than twice its default {default}, for memory's sake"
    return ChoiceParameter(type="choice", choices=choices, role="batch_size"), why


def _clip(default: Number | None, whole: bool) -> Made:
    made = _log(10, 100.0, (0.1, 10.0), "gradient_clip")
    return made(default, whole)


Maker = Callable[[Number | None, bool], Made]


@dataclass(frozen=True)
class Kind:
    """A kind of parameter.

    Args:
        name: as people call it.
        words: a pattern of its names, lower case with underscores.
        make: its range from a default.
        plain: its name says enough; else only an estimator's or an option's own counts.
    """

    name: str
    words: str
    make: Maker
    plain: bool = True


KINDS: tuple[Kind, ...] = (
    Kind("learning rate", r"(?:\w+_)?(?:lr|learning_?rate(?:_init)?|eta0?|step_?size|lr_?init|lr0)",
         _log(30, 1.0, (1e-4, 1e-1), "learning_rate")),
    Kind("weight decay", r"(?:\w+_)?(?:weight_?decay|wd|l2(?:_\w+)?|l1|reg(?:_?lambda|_?alpha)?"
         r"|regulari[sz]ation|lambda_?(?:l1|l2)?|lam|penalty(?:_weight)?|ridge)",
         _log(100, 100.0, (1e-6, 1e-2), "regularisation")),
    Kind("inverse regularisation", r"c|nu|reg_?param", _log(100, 1000.0, (1e-2, 100.0),
         "regularisation"), plain=False),
    Kind("regularisation", r"alpha|ccp_alpha|smoothing", _log(100, 100.0, (1e-6, 1e-2),
         "regularisation"), plain=False),
    Kind("kernel width", r"gamma|length_?scale|bandwidth", _log(30, 100.0, (1e-3, 10.0), "other"),
         plain=False),
    Kind("dropout", r"(?:\w+_)?(?:drop(?:out)?(?:_?(?:rate|prob|p|path))?\d?|p_?drop)",
         _fraction(0.0, 0.6)),
    Kind("batch size", r"(?:train_?|mini_?|per_device_train_)?(?:batch_?size|batch|bs)", _batch),
    Kind("number of trees", r"n_?estimators|n(?:um)?_?trees|num_boost_round|(?:num_)?rounds",
         _size(4)),
    Kind("depth", r"max_?depth|(?:tree_)?depth", _size(2, (2, 20))),
    Kind("leaves", r"num_?leaves|max_leaf_nodes", _size(4, (8, 128))),
    Kind("leaf size", r"min_(?:samples_(?:leaf|split)|child_samples|data_in_leaf)", _size(8)),
    Kind("width", r"(?:\w+_)?(?:hidden(?:_?(?:dim|size|units|width|layer_size))?|n_?hidden|units"
         r"|width|embed(?:ding)?_?(?:dim|size)|d_model|latent_?(?:dim|size)|channels|num_filters)",
         _size(4)),
    Kind("layers", r"(?:n|num)_?(?:hidden_)?(?:layers|blocks)|layers", _size(2)),
    Kind("crossover rate", r"cxpb|cx_?prob|crossover(?:_?(?:rate|prob|p))?", _fraction(0.05, 0.95)),
    Kind("mutation rate", r"mutpb|indpb|mut(?:ation)?_?(?:rate|prob|p)", _fraction(0.01, 0.9)),
    Kind("tournament size", r"tourn(?:ament)?_?size", _size(3)),
    Kind("population", r"pop(?:ulation)?_?size|n_?pop", _size(3)),
    Kind("contamination", r"contamination", _fraction(0.01, 0.5)),
    Kind("shrinkage", r"shrinkage", _fraction(0.001, 1.0)),
    Kind("window", r"(?:n_?)?lags|window(?:_?(?:size|length))?|context(?:_?length)?", _size(3)),
    Kind("neighbours", r"(?:n_?)?neighbou?rs|k_neighbors", _size(6)),
    Kind("components", r"n_?components|n_?clusters|rank", _size(2, (2, 32))),
    Kind("momentum", r"(?:\w+_)?momentum|beta_?1|adam_beta1", _fraction(0.0, 0.99)),
    Kind("subsample", r"subsample|(?:row_|bagging_|feature_)?fraction|colsample\w*|max_samples",
         _fraction(0.3, 1.0)),
    Kind("label smoothing", r"label_?smoothing|smoothing", _fraction(0.0, 0.3)),
    Kind("discount", r"gamma|discount(?:_?factor)?", _fraction(0.8, 0.9999)),
    Kind("exploration", r"eps(?:ilon)?(?:_?(?:greedy|start))?", _fraction(0.01, 0.5), plain=False),
    Kind("temperature", r"temp(?:erature)?|tau", _log(10, 100.0, (0.1, 10.0), "other")),
    Kind("degree", r"degree", _size(2)),
    Kind("gradient clip", r"(?:max_?)?(?:grad(?:ient)?_?(?:clip|norm)(?:_?(?:val|norm))?"
         r"|clip(?:_?(?:grad|norm))*)", _clip),
)  # fmt: skip
"""The kinds that are searched, those first that usually matter most."""

CATEGORIES = re.compile(
    r"optim(?:izer)?|solver|activation|nonlinearity|kernel|scheduler|lr_?schedule|loss|criterion"
    r"|penalty|weights|max_features|norm(?:ali[sz]ation)?|init(?:iali[sz]ation)?|booster|pooling"
    r"|nesterov|amsgrad|augment(?:ation)?|batch_?norm|bn|fit_intercept|bidirectional|residual"
)
"""Names whose choices are worth trying."""

FIXED: tuple[tuple[str, str], ...] = (
    (r"seed|random_?state|rng", "a seed: another value is luck, no gain"),
    (r"device|cuda|gpus?|(?:n_?|num_?)?(?:workers|jobs|threads)|distributed|fp16|amp|pin_memory",
     "it says how the program runs, not what it learns"),
    (r"epochs?|max_?(?:iter|steps|epochs)|(?:n_?|num_?)?(?:iters?|iterations|steps|epochs|episodes)"
     r"|time_?limit|(?:total_)?timesteps", "more compute is no fair gain"),
    (r"(?:\w+_)?(?:path|dir|file|folder|root|url|host|port|output|out|save|checkpoint|ckpt|resume)",
     "a place"),
    (r"(?:\w+_)?(?:test_?size|val(?:idation)?_?(?:size|fraction|split)|splits?|n_splits|folds?|cv"
     r"|shuffle|n_?samples|noise|n_?features|n_?informative|centers|data(?:set)?|n_classes"
     r"|num_classes|test_?batch_?size|eval\w*|threshold|scoring|metric|average)",
     "it changes the data or how results are judged"),
    (r"verbos\w*|log(?:ging)?(?:_?(?:interval|level|dir|every))?|debug|quiet|plot|show|print\w*"
     r"|figsize|cmap|marker|wandb|tensorboard|name|title|project|tag|version|run_?id",
     "it changes only what is shown"),
    (r"patience|early_?stopping\w*|tol", "it decides when training ends"),
)  # fmt: skip
"""Names that are never searched, and why."""


def why_fixed(name: str) -> str:
    """Why a setting of that name is not tuned; empty if nothing speaks against it."""
    return next((why for words, why in FIXED if re.fullmatch(words, plain(name))), "")


def kinds_of(name: str) -> list[int]:
    """The kinds that a name fits, by their place in `KINDS`, the likeliest first."""
    return [n for n, kind in enumerate(KINDS) if re.fullmatch(kind.words, plain(name))]


def plain(name: str) -> str:
    """A setting's own name as patterns have it: without its owner, lower case, underscores."""
    own = re.sub(r"/\d+$", "", name).rpartition(".")[2].lstrip("-")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", own).replace("-", "_").lower()


def numeric(value: Value | None) -> Number | None:
    """A default as a number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value
