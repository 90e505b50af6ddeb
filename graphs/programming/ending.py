"""How the writing of code ends: a last look, and the patch that the ledger keeps."""

from collections import Counter

from agents.programming.critique import is_test
from agents.programming.failures import failing
from graphs.programming.measure import Measure
from graphs.programming.session import Session
from labcrew.domain.base import Model, content_hash
from labcrew.domain.programming import Patch
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.skills import RuleResult
from labcrew.domain.testing import TestReport
from labcrew.errors import ToolError
from labcrew.skills.adherence import blocking, in_a_line
from tools.facts import patch_id

_MOST_TRIED = 12


class Look(Model):
    """What the last look found.

    Args:
        problems: why the change is not ready, as the model is told.
        doubtful: places that look unfinished and may be meant so: these hold up nothing.
        alike: places where what was taken out still stands.
        rules: how it keeps to the lab's rules.
    """

    after: TestReport | None = None
    problems: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    rules: tuple[RuleResult, ...] = ()


async def last_look(session: Session, measure: Measure, what: str) -> Look:
    """Whether a change is ready: its tests anew, what it left undone, what is like it elsewhere.

    Args:
        what: names the look in the ledger.
    """
    if not await session.hands.change():
        return Look(problems=("Nothing was changed.",))
    if not measure.fail_to_pass:
        return Look(problems=("There is no test that failed before and passes now.",))
    try:
        after = await session.tests(f"{what}/tests", measure.asked)
        left = await session.hands.left_behind(session.key(f"{what}/left"))
        rules = await session.rules(f"{what}/rules")
        alike = await session.hands.alike(session.key(f"{what}/alike"))
    except ToolError as error:
        return Look(problems=(error.message,))
    problems = [_fails(after, name) for name in failing(after, measure.fail_to_pass)[:5]]
    problems += [f"{name} passed before." for name in failing(after, measure.pass_to_pass)[:5]]
    problems += [f"Left unfinished: {place}" for place in left.places[:5]]
    problems += [f"A rule of the lab: {in_a_line(rule)}" for rule in blocking(rules)[:5]]
    return Look(
        after=after,
        problems=tuple(problems),
        doubtful=left.doubtful,
        alike=alike,
        rules=rules,
    )


def _fails(after: TestReport, name: str) -> str:
    under = after.under(name)
    if under and set(under.values()) <= {"passed", "skipped"}:
        skipped = [id for id, came in under.items() if came == "skipped"]
        return f"{', '.join(skipped[:3])} was skipped, which is no pass."
    return f"{name} still fails."


async def written_tests(session: Session, measure: Measure) -> Measure:
    """The measure with the tests that the change brings and that fail without the rest of it.

    Raises ToolError.
    """
    change = await session.hands.change()
    base = await session.hands.base(tuple(change))
    brought = {path: text for path, text in change.items() if is_test(path) and path not in base}
    if not brought:
        return measure
    what = f"alone/{content_hash(dict(brought))[:16]}"
    report = await session.tests_alone(what, brought)
    # One that was not run, or skipped, proves nothing.
    failed = tuple(name for name, came in report.outcomes.items() if came in ("failed", "error"))
    return measure.with_test(report, failed)


async def put_patch(
    session: Session,
    measure: Measure | None,
    look: Look,
    *,
    because: str = "",
    summary: str = "",
    notes: tuple[str, ...] = (),
) -> Patch:
    """Writes the patch down: given up where there is a reason, else ready."""
    change = await session.hands.change()
    base = await session.hands.base(tuple(change))
    shown = answered(session, "finish", "find_alike")
    patch = Patch(
        id=patch_id(session.assigned),
        ticket=session.assigned.id,
        revision=session.assigned.revision,
        status="gave_up" if because else "ready",
        files=tuple(
            OverlayFile(path=path, content=text.encode())
            for path, text in sorted(change.items())
            if base.get(path) != text
        ),
        summary=summary,
        because="\n".join([because, *tried(session)]) if because else "",
        notes=notes,
        before=measure.before if measure else None,
        after=look.after,
        fail_to_pass=measure.fail_to_pass if measure else (),
        pass_to_pass=measure.pass_to_pass if measure else (),
        alike=look.alike,
        alike_shown=tuple(p for p in look.alike if p in shown),
        rules=look.rules,
        steps=len(session.turns),
        tokens=session.tokens,
        by=f"model:{session.model.name}",
    )
    session.ledger.patches.put(patch, actor="merge_request")
    return patch


def answered(session: Session, *names: str) -> frozenset[str]:
    """The lines that the model was answered with by tools.

    Args:
        names: of the tools.
    """
    return frozenset(
        line
        for turn in session.turns
        for came in turn.outcomes
        if came.name in names
        for line in came.text.splitlines()
    )


def tried(session: Session) -> list[str]:
    """What was tried, in a line each: the kinds of step, how often, and what came of the last."""
    kinds: Counter[str] = Counter()
    last: dict[str, str] = {}
    for turn in session.turns:
        for came in turn.outcomes:
            kind = turn.ask or came.name
            kinds[kind] += 1
            last[kind] = " ".join(came.text.split())[:160]
    return [
        f"Tried {times} times: {kind}; last: {last[kind]}"
        for kind, times in kinds.most_common(_MOST_TRIED)
    ]
