"""What goes wrong with a program, by kind: the cases of the analysis split, the worst first."""

import re
from collections.abc import Mapping, Sequence
from statistics import fmean

from labcrew.domain.evolution import Analysis, Failure, ScoredRun
from labcrew.domain.evolution_spec import Case, Scale
from labcrew.plain_text import HALVES, ODD

MOST_FAILURES = 20
MOST_KINDS = 12
_NAMED = 5
_WHY, _OUTPUT, _KIND = 500, 1_000, 80
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_NUMBER = re.compile(r"[-+]?\d[\d_.,]*(?:[eE][-+]?\d+)?")
_LABELS = {"ok": "wrong"}


def analyse(
    scale: Scale,
    runs: Sequence[ScoredRun],
    outputs: Mapping[str, bytes],
    cases: Sequence[Case],
) -> Analysis:
    """What the champion's runs of the analysis split say; runs of other splits are left out.

    Args:
        runs: of one program.
        outputs: a run's id → its raw output; one may be missing.
        cases: those of the analysis split, to tell of one that was not run at all.
    """
    seen = sorted((r for r in runs if r.split == "analysis"), key=lambda r: (r.case, r.seed))
    known = {case.id for case in cases if case.split == "analysis"}
    unseen = sorted(known - {run.case for run in seen})
    if not seen:
        nothing = "No case of the analysis split was run."
        return Analysis(mean=scale.worst, failures=(), summary=nothing)
    best = scale.high if scale.direction == "maximize" else scale.low
    failing = [run for run in seen if run.status != "ok" or scale.gain(best, run.score) > 0]
    failing.sort(key=lambda run: (-scale.gain(best, run.score), run.status == "ok", run.case))
    kinds: dict[str, list[str]] = {}
    for run in failing:
        cases_of = kinds.setdefault(kind_of(run), [])
        if run.case not in cases_of:
            cases_of.append(run.case)
    ordered = sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    shown = {kind: tuple(some) for kind, some in ordered[:MOST_KINDS]}
    rest = sorted({case for _, some in ordered[MOST_KINDS:] for case in some})
    if rest:
        shown["other"] = tuple(rest)
    return Analysis(
        mean=fmean(run.score for run in seen),
        failures=tuple(
            Failure(
                case=run.case,
                score=run.score,
                status=run.status,
                why=cleaned(run.why, _WHY),
                output=cleaned(outputs.get(run.id, b"").decode("utf-8", "replace"), _OUTPUT),
            )
            for run in _one_a_case(failing)[:MOST_FAILURES]
        ),
        kinds=shown,
        summary=_summary(scale, seen, failing, shown, unseen),
    )


def kind_of(run: ScoredRun) -> str:
    """The kind of a failure: how the run ended, and what was said of it without its particulars."""
    label = _LABELS.get(run.status, run.status)
    lines = [line for line in cleaned(run.why, 2_000).splitlines() if line.strip()]
    first = lines[0].strip() if lines else ""
    plain = " ".join(_NUMBER.sub("#", _QUOTED.sub("…", first)).split()).lower()
    return f"{label}: {plain[:_KIND]}" if plain else label


def cleaned(text: str, most: int) -> str:
    """A text that is not ours, without characters that deceive, at most so many of them."""
    plain = HALVES.sub("�", ODD.sub("�", text[: 4 * most]))
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _one_a_case(failing: Sequence[ScoredRun]) -> list[ScoredRun]:
    return list({run.case: run for run in reversed(failing)}.values())[::-1]


def _summary(
    scale: Scale,
    seen: Sequence[ScoredRun],
    failing: Sequence[ScoredRun],
    kinds: Mapping[str, tuple[str, ...]],
    unseen: Sequence[str],
) -> str:
    mean = fmean(run.score for run in seen)
    cases, bad = len({run.case for run in seen}), len({run.case for run in failing})
    said = f"Mean {scale.name} {mean:.4g} on {cases} cases"
    if not bad:
        said += "; none of them can score better."
    else:
        kind, some = next(iter(kinds.items()))
        said += f"; {bad} can score better, most ({len(some)}) by {kind!r}."
    if unseen:
        said += f" Not run: {', '.join(unseen[:_NAMED])}{' …' if len(unseen) > _NAMED else ''}."
    return said
