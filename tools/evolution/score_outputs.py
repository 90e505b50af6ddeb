"""Tool that scores what a candidate's runs left: the base commit's scorer, in a container of its
own, on raw outputs alone. What can't be scored is unscored, and unscored is the worst there is.
"""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from labcrew.domain.base import Model, content_hash
from labcrew.domain.evolution import Evolution, RawRun, ScoredRun, code_hash, run_id
from labcrew.domain.evolution_spec import Case
from labcrew.errors import EvidenceError
from tools.evolution.scorer_files import scorer_hash
from tools.evolution.scoring import Judged, ScorerFailed, ScorerSlow, scored
from tools.toolbox import Tool, Workbench


class ScoreOutputs(Model):
    """Scores runs of one program."""

    code: str = Field(description="hash of the program's editable files")
    runs: tuple[RawRun, ...]
    cases: tuple[Case, ...] = Field(description="those of the runs, with their answers")
    image: str
    twice: bool = Field(
        default=False,
        description="score them again, under other names and in another order: a scorer that then"
        " says anything else, or leaves a run unscored, is refused",
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = {case.id for case in self.cases}
        if odd := [run.job.case for run in self.runs if run.job.case not in known]:
            raise ValueError(f"case {odd[0][:80]!r} is run, but not given")
        if len({run.job.alias for run in self.runs}) != len(self.runs):
            raise ValueError("two runs have one alias")
        return self


class _Verdicts(NamedTuple):
    """By alias: what was judged, and why the others were not."""

    judged: dict[str, Judged]
    unscored: dict[str, str]


def _score(call: ScoreOutputs, evolution: Evolution, bench: Workbench) -> tuple[ScoredRun, ...]:
    outputs = {run.job.alias: run for run in call.runs if run.status == "ok"}
    verdicts = _verdicts(outputs, call, evolution, bench)
    if call.twice:
        _agrees(outputs, verdicts, call, evolution, bench)
    elif outputs and not verdicts.judged and call.code in _held_against(evolution):
        said = next(iter(verdicts.unscored.values()))
        raise ScorerFailed(
            f"The scorer gave {evolution.id} no score at all of the program that others are held"
            f" against: {said}",
            "Correct the scorer, commit, and begin again.",
        )
    return tuple(_told(run, verdicts, call, evolution) for run in call.runs)


def unscored(call: ScoreOutputs, evolution: Evolution, why: str) -> tuple[ScoredRun, ...]:
    """The runs of a call of whose scores none counts: each has the worst there is."""
    none = _Verdicts({}, {run.job.alias: why for run in call.runs})
    return tuple(_told(run, none, call, evolution) for run in call.runs)


def _verdicts(
    runs: Mapping[str, RawRun], call: ScoreOutputs, evolution: Evolution, bench: Workbench
) -> _Verdicts:
    """Scores runs together; where the scorer fails on that, by halves, so that one output that it
    can't bear costs no other its score."""
    if not runs:
        return _Verdicts({}, {})
    aliases = sorted(runs)
    cases = {case.id: case for case in call.cases}
    name = f"{evolution.id}-score-{content_hash(aliases)[:16]}".lower()
    try:
        judged = scored(name, runs, cases, call.image, evolution, bench)
    except ScorerFailed as error:
        if isinstance(error, ScorerSlow) and call.code in _held_against(evolution):
            raise  # the worst score of what others are held against would be a gift to them
        if len(aliases) == 1 or isinstance(error, ScorerSlow):  # hours, if each half is waited for
            return _Verdicts({}, dict.fromkeys(aliases, error.message))
        middle = len(aliases) // 2
        first, second = (
            _verdicts({alias: runs[alias] for alias in half}, call, evolution, bench)
            for half in (aliases[:middle], aliases[middle:])
        )
        return _Verdicts(first.judged | second.judged, first.unscored | second.unscored)
    left_out = [alias for alias in aliases if alias not in judged]
    return _Verdicts(judged, dict.fromkeys(left_out, "The scorer gave it no score"))


def _held_against(evolution: Evolution) -> tuple[str, str]:
    """The programs that others are compared with."""
    return code_hash(evolution.baseline), code_hash(evolution.champion)


def _agrees(
    outputs: Mapping[str, RawRun],
    verdicts: _Verdicts,
    call: ScoreOutputs,
    evolution: Evolution,
    bench: Workbench,
) -> None:
    """Raises ScorerFailed where a run is unscored, EvidenceError where a second scoring differs."""
    again = {alias: content_hash([evolution.secret, "again", alias])[:16] for alias in outputs}
    second = _verdicts(
        {again[alias]: run for alias, run in outputs.items()}, call, evolution, bench
    )
    for alias, run in outputs.items():
        for each, known_as in ((verdicts, alias), (second, again[alias])):
            if known_as in each.unscored:
                raise ScorerFailed(
                    f"Case {run.job.case} can't be scored: {each.unscored[known_as]}",
                    "Correct the scorer: it must score every output of the program.",
                )
        one, other = verdicts.judged[alias].score, second.judged[again[alias]].score
        if one != other:
            raise EvidenceError(
                f"The scorer disagrees with itself: the same output of case {run.job.case} scored"
                f" {one:g}, and {other:g} under another name and in another order.",
                "Make the scorer depend on input, answer, seed and output alone.",
            )


def _told(run: RawRun, verdicts: _Verdicts, call: ScoreOutputs, evolution: Evolution) -> ScoredRun:
    case = next(case for case in call.cases if case.id == run.job.case)
    status, score, why = run.status, evolution.spec.metric.worst, run.said
    if status == "ok":
        judged = verdicts.judged.get(run.job.alias)
        if judged is not None:
            score, why = judged
        else:
            status, why = "unscored", verdicts.unscored[run.job.alias]
    return ScoredRun(
        id=run_id(evolution.id, call.code, case.id, run.job.seed),
        ticket=evolution.id,
        code=call.code,
        case=case.id,
        split=case.split,
        seed=run.job.seed,
        status=status,
        score=score,
        why=why,
        seconds=run.seconds,
        model_calls=run.model_calls,
        model_tokens=run.model_tokens,
        model_usd=run.model_usd,
        output_sha256=hashlib.sha256(run.output).hexdigest() if run.status == "ok" else "",
        scorer_sha256=scorer_hash(evolution),
    )


score_outputs = Tool("score_outputs", ScoreOutputs, _score)
