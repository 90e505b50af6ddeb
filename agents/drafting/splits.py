"""On which data a number stands: by its name, its line of output, its line of code, its program."""

import re
from collections.abc import Iterator
from typing import Literal

from agents.drafting.directions import OF_RUNS, bare, named, split_of, words_of
from agents.drafting.intent import Intent
from labcrew.domain.draft import Series
from labcrew.domain.survey import EntryPoint, Place, Survey, Trait

Split = Literal["train", "validation", "test", "unknown"]
Scored = tuple[float, str, tuple[Place, ...]]
"""Log-odds, why, and where it was seen."""

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")
# Variables as programs name them: X_test, y_val, test_loader, self.valid_iter, devset.
_VARIABLE = re.compile(
    r"\b(?:[xXyY]_?|data_?|self\.)?(train|tr|val|valid|validation|dev|eval|test|holdout)"
    r"(?:_?(?:loader|dl|iter|set|ds|data|dataset|x|y|df|idx|gen|generator|split|pred|mask))?\b"
    r"|\b[xXyY]_?(train|val|valid|dev|test)\b|\b\w+_(train|val|valid|dev|test|holdout)\b"
)
_FOLDS = re.compile(
    r"cross_val|cross_validate|KFold|GridSearchCV|RandomizedSearchCV|ShuffleSplit|LeaveOneOut"
    r"|\bcv\b|HalvingGridSearch|validation_curve|learning_curve"
)
_VALIDATION = re.compile(r"validation_split|validation_data|val_size|valid_size|val_split|val_frac")
_HELD = re.compile(r"train_test_split|test_size|test_split|test_frac|load_test|is_test|train=False")


def split_of_series(series: Series, survey: Survey, entry: EntryPoint) -> Split:
    """The likeliest split of a number; "unknown" where nothing speaks of one."""
    scores = split_scores(series, survey, entry, Intent())
    return max(scores, key=lambda split: scores[split][0])


def split_scores(
    series: Series, survey: Survey, entry: EntryPoint, intent: Intent
) -> dict[Split, Scored]:
    """How likely each split is, with why and where that is seen."""
    if named(series.name).canonical in OF_RUNS:
        plain = "it says how a run goes, so no data has a part in it"
        none: dict[Split, Scored] = dict.fromkeys(_SPLITS, (-3.0, plain, ()))
        return none | {"unknown": (3.0, plain, series.evidence[:1])}
    found: dict[Split, list[tuple[float, str, Place | None]]] = {s: [] for s in _SPLITS}
    by_name = split_of(series.name)
    if by_name != "unknown":
        found[by_name].append((2.2, f"its name is {series.name}", None))
    if series.split != "unknown" and series.split != by_name:
        place = series.evidence[0] if series.evidence else None
        found[series.split].append((1.6, "the output around it says so", place))
    elif series.split != "unknown":
        found[series.split].append((0.6, "the output says so", None))
    for place in series.evidence[:1]:
        told = _line_split(place.text, series.name)
        if re.search(r"\+/-|\u00b1", place.text) and by_name == "unknown" == series.split:
            found["validation"].append((1.0, "it is given with a spread, as over folds", place))
        if told is not None and by_name == "unknown":
            found[told].append((1.2, "its line of output speaks of it", place))
    for split, place in _printed_from(series, entry):
        found[split].append((1.4, "the line that prints it uses such data", place))
    _from_program(found, survey, entry)
    if intent.split in _SPLITS and not any(found[s] for s in _SPLITS):
        found[intent.split].append((0.3, "the sentence says so", None))
    nothing = 0.8 if not any(weight >= 0.8 for f in found.values() for weight, _, _ in f) else -1.5
    scores: dict[Split, Scored] = {
        split: (
            round(sum(weight for weight, _why, _place in reasons) if reasons else -2.5, 3),
            "; ".join(dict.fromkeys(why for _w, why, _p in reasons)) or "nothing speaks for it",
            tuple(dict.fromkeys(place for _w, _y, place in reasons if place))[:3],
        )
        for split, reasons in found.items()
    }
    why = "neither its name nor the code that prints it speaks of a split"
    scores["unknown"] = (nothing, why, series.evidence[:1])
    return scores


def _line_split(line: str, name: str) -> Split | None:
    """The one split that a line of output speaks of; None where it speaks of none or several."""
    before = line.split(name)[0] if name and name in line else line
    told = {split_of(word) for word in words_of(before)} - {"unknown"}
    if len(told) != 1:
        return None
    return split_of(next(w for w in words_of(before) if split_of(w) != "unknown"))


def _printed_from(series: Series, entry: EntryPoint) -> Iterator[tuple[Split, Place]]:
    """The splits of the variables in the lines of code that seem to print this number."""
    mine = set(bare(series.name))
    for trait in entry.traits:
        if trait.kind not in ("prints", "logs"):
            continue
        if not _prints(trait, series.name, mine):
            continue
        told = variables_split(trait.place.text)
        if told is not None:
            yield told, trait.place
            return


def _prints(trait: Trait, name: str, mine: set[str]) -> bool:
    words = set(words_of(trait.what))
    known = named(name).canonical
    return bool(mine) and (mine <= words or (bool(known) and known == named(trait.what).canonical))


def variables_split(code: str) -> Split | None:
    """The split of the variables in a line of code; None where there is none, or several."""
    told: set[Split] = set()
    for hit in _VARIABLE.finditer(code):
        split = split_of(next(group for group in hit.groups() if group))
        if hit[0] in {"train", "test", "eval", "fit"} and code[hit.end() : hit.end() + 1] == "(":
            continue  # a call of model.eval() or train(…) says what is done, not to which data
        if split != "unknown":
            told.add(split)
    return told.pop() if len(told) == 1 else None


def _from_program(
    found: dict[Split, list[tuple[float, str, Place | None]]], survey: Survey, entry: EntryPoint
) -> None:
    """What the program as a whole does with its data: folds, a validation part, a test part."""
    texts = [
        (f"{s.owner} {s.name} {s.place.text}", s.place)
        for s in entry.settings
        if s.mechanism in ("keyword", "constant", "argparse", "click", "typer", "dataclass")
    ] + [(f"{t.what} {t.place.text}", t.place) for t in entry.traits if t.kind in ("reads", "logs")]
    own = any(found[split] for split in _SPLITS)
    for pattern, split, weight, why in (
        (_FOLDS, "validation", 0.9, "the program scores by cross-validation"),
        (_VALIDATION, "validation", 0.7, "the program keeps validation data apart"),
        (_HELD, "test", 0.9, "the program keeps test data apart"),
    ):
        place = next((place for text, place in texts if pattern.search(text)), None)
        # What a program does elsewhere says little of a number that has a split of its own.
        if place is not None and (not own or found[_known(split)]):
            found[_known(split)].append((0.3 if own else weight, why, place))
    if not own and not any(found[s] for s in _SPLITS):
        for data in survey.data[:200]:
            split = split_of(data.path.rsplit("/", 1)[-1])
            if split in ("validation", "test"):
                place = Place(path=data.path)
                found[split].append((0.5, f"there is a file {data.path[-60:]}", place))
                return


def _known(split: str) -> Split:
    return "validation" if split == "validation" else "test"
