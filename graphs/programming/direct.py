"""Steps in direct style: ask for one edit, apply it, run the tests, build on it or put it back."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from agents.programming import direct
from agents.programming.critique import is_test, unfit
from agents.programming.edits import EditError, edited, guesses, read_test_file, uncut
from agents.programming.failures import (
    account,
    failing,
    frames,
    lacking,
    sources_of_tests,
)
from agents.programming.places import in_order, ranked
from agents.programming.progress import further
from agents.programming.turns import Turn
from graphs.programming.ending import last_look
from graphs.programming.measure import Measure
from graphs.programming.session import UNANSWERED, GaveUp, Session, outcome
from labcrew.domain.base import content_hash
from labcrew.domain.chat import Reply
from labcrew.domain.testing import TestReport

_SHOWN = 600
_QUESTION_CHARACTERS = 4000


async def problem_of(session: Session, measure: Measure) -> direct.Problem:
    """What is still to be mended, and where it may be."""
    ticket, hands = session.assigned.ticket, session.hands
    now = {**await hands.editable(), **_kept(session)}
    files = {path: text for path, text in now.items() if not is_test(path)}
    report = _report(session, measure)
    wanted = failing(report, measure.fail_to_pass)
    test_files = {**await hands.test_files(), **await hands.change()}
    tests = sources_of_tests(wanted, test_files)
    asked = f"{ticket.title} {ticket.question}"
    search = session.options.search
    places = ranked(files, asked, tests, frames(report)) if search else in_order(files)
    return direct.Problem(
        title=ticket.title,
        question="\n\n".join((ticket.question, *session.said))[:_QUESTION_CHARACTERS],
        kind=ticket.kind,
        tests=tests,
        report=report,
        places=places,
        lacking=lacking(report, files),
        fallback=min(files, default=""),
        runs=session.failed_runs,
        regression=measure.regression,
    )


async def write_test(session: Session, problem: direct.Problem, measure: Measure) -> Turn:
    """Asks for a test that fails on the base commit, and looks that it does."""
    number = len(session.turns)
    base = await session.hands.editable()
    path = direct.new_test_path(session.assigned.id, tuple(await session.hands.test_files()))
    ask = direct.Ask("test", path, sampled=number > 0)
    reply, turn = await _asked(session, ask, problem, base)
    if reply.finish in UNANSWERED:
        return session.note(turn(UNANSWERED[reply.finish], trouble=reply.finish))
    try:
        text = read_test_file(reply.message.content)
    except EditError as error:
        return session.note(turn(str(error), trouble=str(error)))
    files = {**session.start, path: text}
    wrong = await session.put(str(number), files)
    if wrong:
        raise GaveUp(
            f"The ticket names no fail_to_pass tests, and a new one can't be put at {path}:"
            f" {wrong} Name a test folder in `editable`, or tests in `tests.fail_to_pass`."
        )
    report = await session.tests_alone(f"{number}/alone", {path: text})
    if report.passed(path) or report.timed_out or not _failed(report, path):
        return session.note(
            turn("The test does not fail on the code as it is.", files, trouble="no failure")
        )
    return session.note(turn("The test fails as it should.", files, kept=True))


async def write_code(session: Session, problem: direct.Problem, measure: Measure) -> Turn:
    """One answer asked for, and its edits tried one by one; the turn says what became of them."""
    number = len(session.turns)
    now = {**await session.hands.editable(), **_kept(session)}
    ask = direct.next_ask(_since_kept(session), problem)
    reply, turn = await _asked(session, ask, problem, now)
    written = reply.message.content
    if reply.finish == "cut_off":
        written = uncut(written)
    if reply.finish in UNANSWERED and not written:
        return session.note(turn(UNANSWERED[reply.finish], trouble=reply.finish))
    done: list[Try] = []
    for index, guess in enumerate(guesses(written, direct.GUESSES.get(ask.form, 1))):
        seen = {h for t in session.turns for h in t.tried} | {t.hash for t in done if t.hash}
        done.append(await _try(session, f"{number}.{index}", guess, ask, now, seen, measure))
        if done[-1].left == 0:
            break
    best = min(done, key=lambda t: (not t.kept, t.left if t.left is not None else sys.maxsize))
    return session.note(
        turn("\n".join(t.told for t in done)).but(
            outcomes=tuple(
                outcome("edit", t.hash, t.told, failed=bool(t.trouble), trouble=t.trouble)
                for t in done
            ),
            tried=tuple(t.hash for t in done if t.hash),
            files=best.files if best.kept else {},
            kept=best.kept,
            failing=best.left,
            report=best.report if best.kept else None,
        )
    )


@dataclass(frozen=True)
class Try:
    """What one edit came to.

    Args:
        told: as the model is told.
        trouble: the same for two that failed alike; empty where all tests pass.
        files: path → text of the change.
        hash: of the change; empty where there was no edit.
        left: tests that did not pass; None where none were run.
        report: of the tests that must come to pass.
        kept: whether it is built upon.
    """

    told: str
    trouble: str = ""
    files: dict[str, str] = field(default_factory=dict)
    hash: str = ""
    left: int | None = None
    report: TestReport | None = None
    kept: bool = False


async def _try(
    session: Session,
    what: str,
    guess: str,
    ask: direct.Ask,
    now: dict[str, str],
    seen: set[str],
    measure: Measure,
) -> Try:
    code = {path: text for path, text in now.items() if not is_test(path)}
    is_new = ask.form == "new"
    if is_new:
        code.setdefault(ask.path, "")
    try:
        changed = edited(guess, code, path=ask.path, wanted=ask.name, new=is_new)
    except EditError as error:
        return Try(str(error), str(error))
    files = {**_kept(session), **changed}
    digest = content_hash(dict(files))
    wrong = unfit(now, changed) if session.options.critique else ""
    if session.options.critique and digest in seen:
        wrong = "This very change was tried before and failed. Do something else."
    wrong = wrong or await session.put(what, files)
    if wrong:
        return Try(direct.tried(now, files, wrong), wrong, files, digest)
    wanted = report = await session.tests(f"{what}/wanted", measure.fail_to_pass)
    left, best = failing(report, measure.fail_to_pass), _left(session, measure)
    most = best if _further(session, measure, wanted, now, files) else best - 1
    if len(left) <= most and measure.pass_to_pass:
        # Only what mends something is worth the longer run.
        report = await session.tests(f"{what}/all", measure.asked)
        left = failing(report, measure.names)
    if not left:
        look = await last_look(session, measure, f"{what}/look")
        if not look.problems:
            return Try("All tests pass.", "", files, digest, 0, kept=True)
        told = " ".join(look.problems)
        return Try(direct.tried(now, files, told), told, files, digest, len(look.problems))
    better = not failing(report, measure.pass_to_pass) and len(left) <= most
    said = f"With it {len(left)} of the tests fail:\n{account(report, _SHOWN)}"
    if not better:
        said = direct.tried(now, files, said)
    return Try(said, report.signature(left), files, digest, len(left), wanted, better)


async def _asked(
    session: Session, ask: direct.Ask, problem: direct.Problem, now: dict[str, str]
) -> tuple[Reply, Callable[..., Turn]]:
    """The reply, and what makes a turn of it."""
    number = len(session.turns)
    house = await session.house()
    turns = _since_kept(session)
    messages = direct.prompt(ask, problem, now, turns, session.options, house)
    reply: Reply = await session.ask(
        str(number),
        messages,
        shorter=lambda: direct.prompt(ask, problem, now, (), session.options.halved(), house),
        manner=direct.manner(ask, problem, turns, session.options),
    )

    def turn(
        told: str,
        files: dict[str, str] | None = None,
        *,
        trouble: str = "",
        kept: bool = False,
    ) -> Turn:
        came = outcome(
            "edit", files or reply.message.content, told, failed=bool(trouble), trouble=trouble
        )
        return Turn(
            step=number,
            reply=reply.message,
            model=reply.model,
            tokens=reply.tokens,
            outcomes=(came,),
            ask=ask.id,
            told=told,
            files=files if files and kept else {},
            kept=kept,
        )

    return reply, turn


def _kept(session: Session) -> dict[str, str]:
    """The files that are built upon: of the last turn that was kept, or of an earlier revision."""
    return next((turn.files for turn in reversed(session.turns) if turn.kept), session.start)


def _since_kept(session: Session) -> list[Turn]:
    """The turns since there is something new to build upon: what was no good before may be now."""
    kept = [index for index, turn in enumerate(session.turns) if turn.kept]
    return session.turns[kept[-1] + 1 :] if kept else session.turns


def _report(session: Session, measure: Measure) -> TestReport:
    """How the tests fail with what is built upon."""
    reports = (turn.report for turn in reversed(session.turns) if turn.kept)
    return next((report for report in reports if report is not None), measure.before)


def _further(
    session: Session,
    measure: Measure,
    report: TestReport,
    now: dict[str, str],
    files: dict[str, str],
) -> bool:
    """Whether the same tests fail with a change, but further on than with what is built upon."""
    if session.start:
        return False
    before = _report(session, measure)
    left = failing(report, measure.fail_to_pass)
    return left == failing(before, measure.fail_to_pass) and further(
        before, report, left, now, {**now, **files}
    )


def _left(session: Session, measure: Measure) -> int:
    """How many tests did not pass with what is built upon."""
    for turn in reversed(session.turns):
        if turn.kept and turn.failing is not None:
            return turn.failing
    # What an earlier revision made passes them all: only a change that keeps it so is as good.
    return 1 if session.start else len(failing(measure.before, measure.fail_to_pass))


def _failed(report: TestReport, path: str) -> bool:
    return any(
        came in ("failed", "error") for name, came in report.outcomes.items() if path in name
    )
