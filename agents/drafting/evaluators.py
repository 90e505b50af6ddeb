"""How a score can be made from what a run leaves, and what is kept for the end."""

import inspect
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from agents.drafting import judge
from agents.drafting.directions import named
from agents.drafting.metrics import holdout_number
from labcrew.domain.base import Model
from labcrew.domain.draft import Candidate, FirstRun, Guess, Noise, Option, Options
from labcrew.domain.measuring import ReportedNumber
from labcrew.domain.survey import DataFile, EntryPoint, Place, Survey
from labcrew.domain.ticket import Doubt

JUDGE = "labcrew_judge.py"
"""What the evaluator's file is called in the copy of the repository that it runs in."""
_KNOWN = {
    *("accuracy", "error", "balanced accuracy", "precision", "recall", "f1"),
    *("mse", "rmse", "mae", "r2", "auc"),
}
_PREDICTIONS = re.compile(
    r"(?:^|[/_.-])(?:pred(?:iction)?s?|predicted|y_?pred|forecasts?|oof)(?:[/_.-]|$)", re.IGNORECASE
)
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".npz")
_OWN = re.compile(r"(?:^|[/_-])(?:eval(?:uate|uation)?|score|scoring)[\w-]*\.py$")
_TAKES = re.compile(r"pred|output|submission|result|answers", re.IGNORECASE)
_MOST = 8


def evaluator_options(
    survey: Survey,
    candidate: Candidate,
    runs: Sequence[FirstRun],
    metric: Mapping[str, Any],
    columns: Mapping[str, Sequence[str]] | None = None,
) -> Options:
    """Ways to score a run; the run's own report is always one, and the best until a person says.

    An evaluator changes what is measured, so none is taken unless a person accepts it.

    Args:
        metric: a value of `metrics.metric_options`.
        columns: columns of files that a run left, by their paths in the workspace, where known.

    Returns:
        Options whose values are fields of a ticket's evaluator, or null for the run's own report.
    """
    canonical = named(str(metric["name"])).canonical
    if metric.get("computed"):
        return _only_computed(candidate, metric)
    options = [
        Option(
            label="the run's own report",
            value=None,
            score=2.0,
            because=f"{metric['name']} is what the run itself shows: labelled as reported",
        )
    ]
    left = _left(candidate, runs)
    known = columns or {}
    if canonical in _KNOWN:
        for path in left:
            options += _from_predictions(survey, candidate, path, metric, canonical, known)
    options += _own_scripts(survey, candidate, left)
    options.sort(key=lambda option: -option.score)
    return Options(
        field="evaluator",
        question=f"How should {metric['name']} be made, so that a run can't flatter itself?",
        options=tuple(options[:_MOST]),
    )


def _only_computed(candidate: Candidate, metric: Mapping[str, Any]) -> Options:
    """The one way to score a run that shows no such number: compute it from its predictions."""
    file, (truth, found) = str(metric["file"]), metric["computed"]
    path = f"{candidate.outputs.rstrip('/')}/{file}"
    option = _judged(
        f"{metric['name']} computed from {path}",
        candidate,
        path,
        metric,
        str(metric["name"]),
        ["--truth", truth, "--prediction", found],
        2.0,
        f"a run leaves {path} with {truth} and {found}, and shows no such number itself",
        (Place(path=path, text=f"columns {truth} and {found}"),),
    )
    return Options(
        field="evaluator",
        question=f"May {metric['name']} be computed from {file} in this way?"[:300],
        options=(option,),
    )


def unread(metric: Mapping[str, Any], guess: Guess) -> tuple[Doubt, ...]:
    """What must be told of an evaluator that was taken though no person looked at it."""
    if not metric.get("computed") or guess.by.startswith("person:"):
        return ()
    because = f"{metric['name']} is computed by {JUDGE} from {metric['file']}: nobody has read it."
    return (Doubt(field="evaluator", confidence=guess.confidence, because=because[:600]),)


def _left(candidate: Candidate, runs: Sequence[FirstRun]) -> list[str]:
    """Tables of predictions beneath the outputs folder: what labcrew keeps of a run."""
    begins = candidate.outputs.rstrip("/") + "/"
    found = [
        file.path
        for run in runs
        for file in run.files
        if file.path.startswith(begins)
        and file.path.endswith(_TABLES)
        and _PREDICTIONS.search(file.path.removeprefix(begins))
    ]
    return list(dict.fromkeys(found))


def _from_predictions(
    survey: Survey,
    candidate: Candidate,
    path: str,
    metric: Mapping[str, Any],
    canonical: str,
    columns: Mapping[str, Sequence[str]],
) -> list[Option]:
    """Evaluators that compute the metric from one file of predictions."""
    have = {name.strip().lower() for name in columns.get(path, ())}
    guess = [name for name in judge.PREDICTION if name in have]
    truth = [name for name in judge.TRUTH if name in have]
    evidence = (Place(path=path),)
    options: list[Option] = []
    if not have or (len(guess) == 1 and len(truth) == 1):
        because = (
            f"a run leaves {path} with {truth[0]} and {guess[0]}"
            if have
            else f"a run leaves {path}; its columns are found by their usual names"
        )
        extra = ["--truth", truth[0], "--prediction", guess[0]] if have else []
        options.append(
            _judged(
                f"{canonical} computed from {path}",
                candidate,
                path,
                metric,
                canonical,
                extra,
                0.8 if have else -1.0,
                because + "; the run writes the right answers too",
                evidence,
            )
        )
    if len(guess) != 1:
        return options
    for data in survey.data:
        row_id = _shared_id(data, have)
        label = [c for c in data.columns if c.strip().lower() in judge.TRUTH]
        if row_id is None or len(label) != 1 or not data.path.endswith(_TABLES):
            continue
        extra = ["--prediction", guess[0], "--labels", data.path]
        extra += ["--truth", label[0], "--id", row_id]
        options.append(
            _judged(
                f"{canonical} of {path} against {data.path}",
                candidate,
                path,
                metric,
                canonical,
                extra,
                1.2,
                f"a run leaves {path}, and {data.path} holds the right answers",
                (*evidence, Place(path=data.path)),
            )
        )
    return options


def _shared_id(data: DataFile, have: set[str]) -> str | None:
    ids = [c for c in data.columns if re.fullmatch(r"(?:\w+_)?id|index", c.strip().lower())]
    shared = [c for c in ids if c.strip().lower() in have]
    return shared[0] if len(shared) == 1 else None


def _judged(
    label: str,
    candidate: Candidate,
    path: str,
    metric: Mapping[str, Any],
    canonical: str,
    extra: Sequence[str],
    score: float,
    because: str,
    evidence: tuple[Place, ...],
) -> Option:
    inside = path.removeprefix(candidate.outputs.rstrip("/") + "/")
    words = ["--name", str(metric["name"]), "--metric", canonical, "--file", inside, *extra]
    return Option(
        label=label[:300],
        value={
            "command": f"python3 {JUDGE} {{outputs}} {{split}} {shlex.join(words)}",
            "files": {JUDGE: inspect.getsource(judge)},
        },
        score=score,
        because=because[:600],
        evidence=evidence,
    )


def _own_scripts(survey: Survey, candidate: Candidate, left: Sequence[str]) -> list[Option]:
    """The repository's own evaluation scripts, given a file that a run left.

    They can be taken only where their last line is a JSON object: a person looks at that.
    """
    options = []
    for entry in survey.entries:
        if not _OWN.search(entry.path) or entry.path == candidate.entry or not left:
            continue
        takes = [s for s in entry.settings if s.spelling and _TAKES.search(s.name)]
        others = [s for s in entry.settings if s.required and s not in takes]
        if len(takes) != 1 or others:
            continue
        inside = left[0].removeprefix(candidate.outputs.rstrip("/") + "/")
        # The split is named to the shell alone: the script knows none.
        command = (
            f'test "{{split}}" = validation && {entry.command} {takes[0].spelling}'
            f" {{outputs}}/{shlex.quote(inside)}"
        )
        options.append(
            Option(
                label=f"the repository's own {entry.path}"[:300],
                value={"command": command, "files": {}},
                score=-0.5,
                because=f"{entry.path} takes {takes[0].spelling}, and a run leaves {left[0]}; its"
                " last line must be a JSON object with the metric"[:600],
                evidence=(Place(path=entry.path), takes[0].place),
            )
        )
    return options


class Holdout(Model):
    """What is kept for the end, so that one number is there that nothing was chosen by."""

    reported: ReportedNumber | None = None
    seeds: tuple[int, ...] = ()
    because: str


def holdout(
    survey: Survey,
    entry: EntryPoint,
    runs: Sequence[FirstRun],
    metric: dict[str, object],
    noise: Noise | None,
    seeds: Sequence[int],
    fresh: int = 2,
) -> Holdout:
    """A test number beside the validation number; else fresh seeds, if seeds matter; else none.

    Args:
        metric: a value of `metrics.metric_options`.
        seeds: the ticket's; empty where the program takes none.
        fresh: how many fresh seeds the budget can pay for, twice each.
    """
    number = holdout_number(metric, survey, entry, runs)
    if number is not None:
        return Holdout(
            reported=number,
            because=f"runs are chosen by {metric['name']}; {number.name} is read once, at the end",
        )
    if noise is not None and noise.seeds_matter and seeds and fresh >= 1:
        first = max(seeds) + 1
        return Holdout(
            seeds=tuple(range(first, first + fresh)),
            because=f"{metric['name']} is the only number: at the end the program as it is and the"
            " winner run with fresh seeds, so that a lucky seed is no gain",
        )
    fold = next((s for s in entry.settings if re.search(r"fold|split_?seed", s.name)), None)
    if fold is not None:
        return Holdout(
            because=f"{metric['name']} is the only number. {fold.spelling or fold.name} chooses"
            " another part of the data: run the winner with another one before you trust it"
        )
    return Holdout(
        because=f"{metric['name']} is the only number, and seeds change nothing that is known: no"
        " holdout can be made without changing the program"
    )
