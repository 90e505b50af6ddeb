"""How far work keeps to a lab's rules: checked, written down, and told."""

from collections.abc import Iterable, Sequence

from labcrew.domain.skills import RuleResult, Skill, Work
from labcrew.ledger import Ledger
from labcrew.skills.checks import checked

BROKEN = "skill.rule_broken"
CHECKED = "skills.checked"


def adherence(skills: Iterable[Skill], work: Work) -> tuple[RuleResult, ...]:
    """Each compiled rule of some skills held against work, in order of skill and line.

    A sentence marked `must` that no check was found for is `unchecked`, so it blocks: the lab asked
    for more than can be checked, and should know.
    """
    results = []
    for skill in sorted(skills, key=lambda s: s.name):
        for one in skill.rules:
            outcome, where = checked(one.rule, work)
            results.append(
                RuleResult(
                    skill=skill.name,
                    line=one.line,
                    rule=one.rule.in_words(),
                    must=one.rule.must,
                    outcome=outcome,
                    where=where,
                )
            )
        results += [
            RuleResult(
                skill=skill.name, line=advice.line, rule=advice.text, must=True, outcome="unchecked"
            )
            for advice in skill.advice
            if advice.must
        ]
    return tuple(sorted(results, key=lambda r: (r.skill, r.line)))


def blocking(results: Iterable[RuleResult]) -> tuple[RuleResult, ...]:
    """What stands between work and `ready`."""
    return tuple(result for result in results if result.blocks)


def write_down(ledger: Ledger, ticket: str, step: str, results: Sequence[RuleResult]) -> None:
    """Puts what was checked into the ledger: a line for all, and one for each rule broken.

    Args:
        step: names what was checked, the same on every re-run, e.g. "r0/patch".
    """
    counts = dict.fromkeys(("kept", "broken", "not_applicable", "unchecked"), 0)
    for result in results:
        counts[result.outcome] += 1
    ledger.events.append(
        ticket=ticket, actor="rule", kind=CHECKED, key=f"{ticket}/{step}/skills", data=dict(counts)
    )
    for result in results:
        if result.outcome in ("broken", "unchecked"):
            ledger.events.append(
                ticket=ticket,
                actor="rule",
                kind=BROKEN,
                key=f"{ticket}/{step}/skills/{result.skill}/{result.line}",
                data=result.model_dump(mode="json"),
            )


def in_a_line(result: RuleResult) -> str:
    """A result as a chat model is told of it: the rule, how it stands, and where."""
    where = f": {'; '.join(result.where[:3])}" if result.where else ""
    return f"{result.rule} ({result.skill}), {result.outcome}{where}"


def as_feedback(results: Sequence[RuleResult]) -> str:
    """What a chat model is told to mend; empty where nothing is broken."""
    told = [result for result in results if result.outcome in ("broken", "unchecked")]
    return "\n".join(
        f"- {'must' if result.must else 'should'}: {in_a_line(result)}" for result in told
    )
