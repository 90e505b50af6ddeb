"""Steps in direct style: ask for one edit, apply it, run the tests, build on it or put it back."""

from collections.abc import Callable

from agents.programming import direct
from agents.programming.critique import is_test, unfit
from agents.programming.edits import EditError, edited, read_test_file
from agents.programming.failures import account, failing, frames, lacking, signature, test_sources
from agents.programming.places import in_order, ranked
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
    """What is to be mended, and where it may be."""
    ticket, hands = session.assigned.ticket, session.hands
    files = {path: text for path, text in (await hands.editable()).items() if not is_test(path)}
    wanted = failing(measure.before, measure.fail_to_pass)
    test_files = {**await hands.test_files(), **await hands.change()}
    tests = test_sources(wanted, test_files)
    asked = f"{ticket.title} {ticket.question}"
    search = session.options.search
    places = ranked(files, asked, tests, frames(measure.before)) if search else in_order(files)
    return direct.Problem(
        title=ticket.title,
        question="\n\n".join((ticket.question, *session.said))[:_QUESTION_CHARACTERS],
        kind=ticket.kind,
        tests=tests,
        report=measure.before,
        places=places,
        lacking=lacking(measure.before, files),
        fallback=min(files, default=""),
    )


async def write_test(session: Session, problem: direct.Problem, measure: Measure) -> Turn:
    """Asks for a test that fails on the base commit, and looks that it does."""
    number = len(session.turns)
    base = await session.hands.editable()
    path = direct.new_test_path(session.assigned.id, tuple(await session.hands.test_files()))
    ask = direct.Ask("test", path, sampled=number > 0)
    reply, turn = await _asked(session, ask, problem, base)
    if reply.finish in UNANSWERED:
        return turn(UNANSWERED[reply.finish], trouble=reply.finish)
    try:
        text = read_test_file(reply.message.content)
    except EditError as error:
        return turn(str(error), trouble=str(error))
    files = {path: text}
    wrong = await _put(session, str(number), files)
    if wrong:
        raise GaveUp(
            f"The ticket names no fail_to_pass tests, and a new one can't be put at {path}:"
            f" {wrong} Name a test folder in `editable`, or tests in `tests.fail_to_pass`."
        )
    report = await session.tests_alone(f"{number}/alone", files)
    if report.passed(path) or report.timed_out or not _failed(report, path):
        return turn("The test does not fail on the code as it is.", files, trouble="no failure")
    return turn("The test fails as it should.", files, kept=True)


async def write_code(session: Session, problem: direct.Problem, measure: Measure) -> Turn:
    """One edit asked for and tried; the turn says what became of it."""
    turns, number = session.turns, len(session.turns)
    base = await session.hands.editable()
    kept = _kept(session)
    now = {**base, **kept}
    tried = [turn for turn in turns if not turn.ask.startswith("test ")]
    ask = direct.next_ask(tried, problem)
    reply, turn = await _asked(session, ask, problem, now)
    code = {path: text for path, text in now.items() if not is_test(path)}
    if reply.finish in UNANSWERED:
        return turn(UNANSWERED[reply.finish], trouble=reply.finish)
    if ask.form == "new":
        code.setdefault(ask.path, "")
    try:
        changed = edited(
            reply.message.content, code, path=ask.path, wanted=ask.name, new=ask.form == "new"
        )
    except EditError as error:
        return turn(str(error), trouble=str(error))
    files = {**kept, **changed}
    wrong = unfit(now, changed, turns) if session.options.critique else ""
    wrong = wrong or await _put(session, str(number), files)
    if wrong:
        return turn(wrong, files, trouble=wrong)
    report = await session.tests(f"{number}/wanted", measure.fail_to_pass)
    left = failing(report, measure.fail_to_pass)
    if len(left) < _left(session, measure) and measure.pass_to_pass:
        # Only what mends something is worth the longer run.
        report = await session.tests(f"{number}/all", () if measure.whole else measure.names)
        left = failing(report, measure.names)
    if not left:
        look = await last_look(session, measure, f"{number}/look")
        if not look.problems:
            return turn("All tests pass.", files, kept=True, failing=0)
        told = " ".join(look.problems)
        return turn(told, files, trouble=told, failing=len(look.problems))
    text = f"With it {len(left)} of the tests fail:\n{account(report, _SHOWN)}"
    return turn(
        text,
        files,
        trouble=signature(report, left),
        kept=not failing(report, measure.pass_to_pass) and len(left) < _left(session, measure),
        failing=len(left),
    )


async def _asked(
    session: Session, ask: direct.Ask, problem: direct.Problem, now: dict[str, str]
) -> tuple[Reply, Callable[..., Turn]]:
    """The reply, and what makes a turn of it."""
    number = len(session.turns)
    messages = direct.prompt(ask, problem, now, session.turns, session.options)
    reply: Reply = await session.ask(
        str(number),
        messages,
        shorter=lambda: direct.prompt(ask, problem, now, (), session.options.halved()),
        sample=number if ask.sampled else None,
    )

    def turn(
        told: str,
        files: dict[str, str] | None = None,
        *,
        trouble: str = "",
        kept: bool = False,
        failing: int | None = None,
    ) -> Turn:
        came = outcome(
            "edit", files or reply.message.content, told, failed=bool(trouble), trouble=trouble
        )
        return session.note(
            Turn(
                step=number,
                reply=reply.message,
                model=reply.model,
                tokens=reply.tokens,
                outcomes=(came,),
                ask=ask.id,
                told=told,
                files=files or {},
                kept=kept,
                failing=failing,
            )
        )

    return reply, turn


async def _put(session: Session, what: str, files: dict[str, str]) -> str:
    """Makes the change these files and no others; answers what is wrong, or nothing."""
    change = await session.hands.change()
    for path in sorted({*files, *change}):
        name = f"{what}/write/{content_hash(path)[:12]}"
        if path not in files:
            wrong = await session.restore(name, path)
        elif change.get(path) != files[path]:
            wrong = await session.write(name, path, files[path])
        else:
            continue
        if wrong:
            return wrong
    return ""


def _kept(session: Session) -> dict[str, str]:
    """The files that are built upon: of the last turn that was kept, or of an earlier revision."""
    return next((turn.files for turn in reversed(session.turns) if turn.kept), session.start)


def _left(session: Session, measure: Measure) -> int:
    """How many tests did not pass with what is built upon."""
    for turn in reversed(session.turns):
        if turn.kept and turn.failing is not None:
            return turn.failing
    count = len(failing(measure.before, measure.fail_to_pass))
    # What an earlier revision made passes them: any change that keeps it so is as good.
    return count + 1 if session.start else count


def _failed(report: TestReport, path: str) -> bool:
    return any(
        came in ("failed", "error") for name, came in report.outcomes.items() if path in name
    )
