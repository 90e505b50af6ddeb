"""What the final program is held against: what else was tried, and itself without a change."""

import difflib
from collections.abc import Sequence

from agents.evolution.keeping.compare import compare
from agents.evolution.keeping.scope import exact, over_on_gate
from agents.evolution.keeping.sealing import sealed_result
from graphs.evolution.loop import Loop
from labcrew.domain.evolution import (
    CodeFile,
    Comparison,
    Evolution,
    Round,
    ScoredRun,
    Sealed,
    code_hash,
)
from labcrew.unified_diff import NotADiff, read_diff
from tools.programming.patching import NoPatch, patched

_ALSO_OPENED = 3


def kept_rounds(loop: Loop) -> tuple[Round, ...]:
    """The rounds whose changes stand in the champion, oldest first."""
    return tuple(r for r in loop.rounds() if r.verdict == "kept")


def others_tried(loop: Loop) -> list[tuple[CodeFile, ...]]:
    """Earlier champions, and the best of what was reverted by their gate scores."""
    scale = loop.evolution.scale
    tried = [r for r in loop.rounds() if r.proposal is not None and r.score is not None]
    kept = [r.proposal.files for r in tried if r.verdict == "kept" and r.proposal]
    rest = [r for r in tried if r.verdict != "kept"]
    rest.sort(key=lambda r: scale.gain(r.score or 0.0, 0.0), reverse=True)
    return kept + [r.proposal.files for r in rest[:_ALSO_OPENED] if r.proposal]


def sealed_of(loop: Loop) -> Sealed | None:
    """The sealed result by the runs that the ledger has; None where baseline or champion lack some.

    Of the others those count that were scored on the whole split.
    """
    evolution = loop.evolution
    cases, seeds = loop.cases("sealed"), loop.seeds("sealed", evolution.spec.keep.sealed_seeds)
    programs = (evolution.baseline, evolution.champion, *others_tried(loop))
    scored = {code: loop.scored(code, cases, seeds) for code in map(code_hash, programs)}
    whole = {code: runs for code, runs in scored.items() if len(runs) == len(cases) * len(seeds)}
    baseline, final = whole.get(code_hash(evolution.baseline)), whole.get(loop.champion)
    if baseline is None or final is None:
        return None
    gate = loop.gate_mean(loop.champion)
    return sealed_result(
        evolution.scale,
        evolution.spec.keep,
        baseline=baseline,
        final=final,
        others=tuple(whole.values()),
        gate=gate if gate is not None else evolution.scale.worst,
        deterministic=evolution.noise is not None and evolution.noise.deterministic,
    )


def without_each(loop: Loop) -> tuple[tuple[Round, tuple[CodeFile, ...] | None], ...]:
    """Each kept round, with the champion less its change; None where that can't be undone."""
    before, found = loop.evolution.baseline, []
    for round_ in kept_rounds(loop):
        assert round_.proposal is not None
        after = round_.proposal.files
        found.append((round_, without(loop.evolution.champion, before, after)))
        before = after
    return tuple(found)


def left_out_seeds(loop: Loop, *, own: bool = True) -> tuple[int, ...]:
    """The seeds that tell what a change brings: no candidate won, and no champion stood, on them.

    Args:
        loop: the loop at work.
        own: as `Kept.own_seeds`.
    """
    if not own:
        return loop.retest_seeds()
    return loop.seeds(f"left-out/{loop.champion}", loop.evolution.spec.keep.retest_seeds)


def left_out_gain(
    evolution: Evolution, rest: Sequence[ScoredRun], final: Sequence[ScoredRun]
) -> Comparison:
    """What the final program has over itself without a change."""
    same = evolution.noise is not None and evolution.noise.deterministic
    rule = evolution.spec.keep
    return compare(
        evolution.scale, rest, final, rule.confidence,
        exact=exact(rule, rule.retest_seeds, rule.confidence, deterministic=same),
        over=over_on_gate(rule, deterministic=same),
    )  # fmt: skip


def without(
    champion: Sequence[CodeFile], before: Sequence[CodeFile], after: Sequence[CodeFile]
) -> tuple[CodeFile, ...] | None:
    """The champion without the step from `before` to `after`; None where that can't be undone."""
    old, new = ({file.path: file.text for file in files} for files in (before, after))
    found = []
    for file in champion:
        was, became = old.get(file.path), new.get(file.path)
        if was == became:
            found.append(file)
        elif was is None:
            continue  # the step brought the file in
        else:
            text = undone(file.text, was, became or "")
            if text is None:
                return None
            found.append(CodeFile(path=file.path, text=text))
    return tuple(found)


def undone(text: str, was: str, became: str) -> str | None:
    """A text without the step from `was` to `became`; None where later steps rest on it."""
    if text == became:
        return was
    old, new = (side.removesuffix("\n").split("\n") for side in (became, was))
    lines = difflib.unified_diff(old, new, "a/f", "b/f", lineterm="")
    try:
        (diff,) = read_diff("\n".join(lines))
        return patched(text, diff)
    except (NotADiff, NoPatch, ValueError):
        return None
