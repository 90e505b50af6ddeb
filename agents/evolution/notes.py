"""What a round taught, by rule: a note with numbers, its criticism, and loops that get nowhere."""

import re
from collections.abc import Sequence

from labcrew.domain.base import Model
from labcrew.domain.evolution import Comparison, Proposal, Round, ScoredRun
from labcrew.domain.evolution_spec import Scale

TRIES = 4
"""Rounds of one family without a gain, after which it rests."""
WINDOW = 20
"""Rounds that are looked back upon."""
REST = 10
"""Rounds that a family rests."""
_NAMED = 3


class Note(Model):
    """What is kept of a round."""

    note: str
    criticism: str


class Loop(Model):
    """A pattern in which the loop gets nowhere.

    Args:
        resting: families that are not to be tried now.
        told: one sentence; empty where there is no such pattern.
    """

    resting: tuple[str, ...] = ()
    told: str = ""


def family(proposal: Proposal) -> tuple[str, ...]:
    """What kind of change a proposal is; of one that did several things, several."""
    values = proposal.values
    moved = values.get("changed")
    if isinstance(moved, list):  # constants that were set together
        return (f"{proposal.proposer}:{'+'.join(map(str, moved))}",)
    kinds = values.get("kinds") or values.get("names")
    if isinstance(kinds, list):
        return tuple(f"{proposal.proposer}:{kind}" for kind in kinds)
    one = values.get("function")
    return (f"{proposal.proposer}:{one}" if one else proposal.proposer,)


def note_of(
    round: Round,
    scale: Scale,
    before: Sequence[ScoredRun] = (),
    after: Sequence[ScoredRun] = (),
    *,
    parted: bool = False,
) -> Note:
    """A round's note and the criticism of its own reasoning.

    Proposers read it: a re-test that kept nothing is told without its figures, see `Situation`.

    Args:
        parted: so is one that kept its change, for its cases are those of all re-tests.
        before: the champion's runs; those of the analysis split alone are spoken of by case.
        after: the candidate's.
    """
    proposal = round.proposal
    if proposal is None:
        nothing = f"Round {round.number}: no proposer had anything new to say."
        return Note(note=nothing, criticism="The same situation will not bring more: change it.")
    what = f"Round {round.number}, {proposal.proposer}: {proposal.title}."
    return Note(
        note=f"{what} {_outcome(round, scale, parted)}{_told_by_case(scale, before, after)}",
        criticism=_criticism(round, scale, before, after, parted),
    )


def loop_warning(rounds: Sequence[Round]) -> Loop:
    """Whether the newest rounds go in a circle, and which families rest because of it.

    Three patterns: a family tried again and again without a gain; two programs that take turns; the
    same change but for a number.
    """
    recent = [r for r in rounds if r.proposal is not None and r.verdict is not None][-WINDOW:]
    if not recent:
        return Loop()
    now = rounds[-1].number
    resting: dict[str, str] = {}
    failed: dict[str, list[int]] = {}
    titles: dict[str, list[int]] = {}
    families: dict[str, dict[str, None]] = {}
    for round in recent:
        assert round.proposal is not None
        alike = re.sub(r"[-+]?\d[\d.e+-]*", "#", round.proposal.title)
        gained = round.verdict == "kept" or (round.first is not None and round.first.gain > 0)
        titles[alike] = [] if gained else [*titles.get(alike, []), round.number]
        for name in family(round.proposal):
            failed[name] = [] if gained else [*failed.get(name, []), round.number]
            families.setdefault(alike, {})[name] = None
    for alike, numbers in titles.items():
        if len(numbers) >= TRIES and now - numbers[-1] < REST:
            said = f"nearly the same change was tried {len(numbers)} times"
            resting |= dict.fromkeys(families[alike], said)
    for name, numbers in failed.items():
        if len(numbers) >= TRIES and now - numbers[-1] < REST:
            resting.setdefault(name, f"{name} was tried {len(numbers)} times without a gain")
    swinging = _swinging(recent)
    told = list(dict.fromkeys(resting.values()))[:_NAMED]
    if swinging:
        told.append(swinging)
    text = "; ".join(told)
    if text:
        text = text[0].upper() + text[1:]
        text += f". {', '.join(sorted(resting))} rest for {REST} rounds." if resting else "."
    return Loop(resting=tuple(sorted(resting)), told=text)


def _swinging(rounds: Sequence[Round]) -> str:
    """Two champions that take turns."""
    stood = [round.champion for round in rounds]
    turns = [b for a, b in zip(["", *stood], stood, strict=False) if a != b][-4:]
    if len(turns) == 4 and turns[0] == turns[2] and turns[1] == turns[3]:
        return "two programs take turns as the champion: their difference is noise"
    return ""


def _outcome(round: Round, scale: Scale, parted: bool) -> str:
    if round.verdict == "refused":
        return f"Refused before it ran: {round.screen or round.reason}."
    if round.verdict == "halted":
        return "It passed what nobody can pass; the loop stands still."
    told = {"kept": "Kept", "dropped": "Dropped half way", "reverted": "Reverted"}
    said = told.get(round.verdict or "", "Undecided")
    if round.first is not None:
        said += f"; first look: {_told(round.first)}"
    if round.retest is not None:
        kept = "enough to keep it" if parted else _told(round.retest)
        figures = kept if round.verdict == "kept" else "not enough to keep it"
        said += f"; re-test: {figures}"
    return said + f" ({scale.name})."


def _told(comparison: Comparison) -> str:
    return (
        f"gain {comparison.gain:+.4g}, at least {comparison.low:+.4g},"
        f" {comparison.better} pairs better and {comparison.worse} worse of {comparison.pairs}"
    )


def _criticism(
    round: Round,
    scale: Scale,
    before: Sequence[ScoredRun],
    after: Sequence[ScoredRun],
    parted: bool,
) -> str:
    proposal = round.proposal
    assert proposal is not None
    expected = proposal.rationale.split(". ")[0].rstrip(".")[:200]
    first = round.first
    if round.verdict == "refused":
        return "The proposal broke a rule that was known beforehand."
    if first is None:
        return f"Nothing was measured, so nothing is known of: {expected}."
    if round.verdict == "kept" and parted:
        return f"Expected: {expected}. The gain held on cases that no first look had seen."
    if round.verdict == "kept":
        held = "held" if round.retest is None or round.retest.gain >= first.gain / 2 else "shrank"
        return f"Expected: {expected}. The gain {held} on fresh seeds."
    if first.gain > 0 and round.retest is not None and round.retest.low <= 0:
        return f"Expected: {expected}. The first gain was luck: the re-test did not confirm it."
    if round.retest is not None and round.retest.low > 0:
        return f"Expected: {expected}. The gain was real, but another rule turned it down."
    if first.gain > 0:
        return f"Expected: {expected}. It may be better, but not by more than chance would do."
    if first.better == first.worse == 0:
        return f"Expected: {expected}. No case came out otherwise: this place does not matter."
    worse = _changes(scale, before, after)[1]
    where = f" on {', '.join(worse[:_NAMED])}" if worse else f" in {first.worse} pairs"
    return f"Expected: {expected}. It was worse{where}; the reasoning was wrong there."


def _told_by_case(scale: Scale, before: Sequence[ScoredRun], after: Sequence[ScoredRun]) -> str:
    better, worse = _changes(scale, before, after)
    said = ""
    if better:
        said += f" Better on {', '.join(better[:_NAMED])}."
    if worse:
        said += f" Worse on {', '.join(worse[:_NAMED])}."
    return said


def _changes(
    scale: Scale, before: Sequence[ScoredRun], after: Sequence[ScoredRun]
) -> tuple[list[str], list[str]]:
    """Cases of the analysis split that came out better, and worse, the most first."""
    old = {(r.case, r.seed): r.score for r in before if r.split == "analysis"}
    gains: dict[str, float] = {}
    for run in after:
        if run.split == "analysis" and (run.case, run.seed) in old:
            gain = scale.gain(run.score, old[run.case, run.seed])
            gains[run.case] = gains.get(run.case, 0.0) + gain
    better = sorted((c for c in gains if gains[c] > 0), key=lambda c: (-gains[c], c))
    worse = sorted((c for c in gains if gains[c] < 0), key=lambda c: (gains[c], c))
    return better, worse
