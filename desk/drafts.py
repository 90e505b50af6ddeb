"""What people do with drafts of tickets: ask for one, answer its questions, take its ticket."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue, ValidationError

from desk.acting import actor
from desk.draft_answers import brief, chosen_value
from labcrew.domain.budget import Budget
from labcrew.domain.draft import Draft, Options
from labcrew.domain.repository import Repositories
from labcrew.domain.ticket import Ticket
from labcrew.errors import InputError
from labcrew.given_path import given_path
from labcrew.ledger import Ledger
from labcrew.plain_text import is_plain
from labcrew.ports import Clock

MOST_CHARACTERS = 2_000
OPEN = ("drafting", "asking")
_NUMBER = re.compile(r"D-(\d+)")


class Advances(Protocol):
    """What makes drafts; graphs.drafting has the real one."""

    async def advance(self, draft: str) -> Draft:
        """Works until the draft is written, failed, or has questions for a person."""


class Drafts:
    """The actions on a home's drafts; each is a line of the ledger with who did it.

    Args:
        ledger: the truth about them.
        clock: when they are asked for.
        repositories: the git boundary.
        alone: held while a number is given, so that two people get two.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        repositories: Repositories,
        alone: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._repositories = repositories
        self._alone = alone

    def ask(
        self,
        repository: Path,
        sentence: str,
        *,
        by: str,
        commit: str = "HEAD",
        snapshot: bool = False,
        trials: int | None = None,
        hours: float | None = None,
        assume_yes: bool = False,
    ) -> Draft:
        """Begins a draft: takes the commit in, and writes down what is wanted and by whom.

        Args:
            repository: of the person; looked at, never changed.
            sentence: what they want, 1 to 2,000 characters in one line.
            by: the person's name.
            commit: where the work starts.
            snapshot: start from the uncommitted files too, as they are now.
            trials: runs in all; None: as many as fit the time they take.
            hours: of work in all; None: likewise.
            assume_yes: take the best guesses and ask nothing.

        Raises:
            RepositoryError: no such repository or commit.
            InputError: the sentence or the budget.
        """
        person = actor(by)
        wanted = _sentence(sentence)
        _check_budget(trials, hours)
        checkout = self._repositories.inspect(str(given_path(repository).absolute()), commit)
        with self._alone():
            id = self._next_id()
            base = self._repositories.take(
                id, checkout.repository, checkout.commit, snapshot=snapshot
            )
            draft = Draft(
                id=id,
                repository=str(checkout.repository),
                base_commit=base,
                snapshot_of=checkout.commit if snapshot else "",
                sentence=wanted,
                asked_by=by,
                asked_at=self._clock.now().isoformat(timespec="seconds"),
                assume_yes=assume_yes,
                trials=trials,
                hours=hours,
            )
            self._ledger.drafts.put(draft, actor=person, kind="draft.asked")
        return draft

    def unfinished(
        self,
        repository: Path,
        sentence: str,
        *,
        commit: str,
        trials: int | None,
        hours: float | None,
    ) -> Draft | None:
        """The newest draft of the very same wish at the same commit that is not ended yet.

        Raises:
            RepositoryError: no such repository or commit.
        """
        checkout = self._repositories.inspect(str(given_path(repository).absolute()), commit)
        wish = (str(checkout.repository), checkout.commit, "", sentence.strip(), trials, hours)
        for draft in reversed(self._ledger.drafts.all()):
            same = wish == (
                draft.repository,
                draft.base_commit,
                draft.snapshot_of,
                draft.sentence,
                draft.trials,
                draft.hours,
            )
            if same and draft.status in OPEN:
                return draft
        return None

    def answer(self, draft_id: str, field: str, value: JsonValue, by: str) -> Draft:
        """Answers a question of a draft, which can go on then.

        Args:
            draft_id: e.g. D-001.
            field: one that the draft asks.
            value: an option's number from 1, its value or label; for metric.direction,
                metric.split, metric and evaluator also a value of the person's own.
            by: the person's name.

        Raises:
            NotFound: there is no such draft.
            InputError: it does not ask this, or the answer fits none of the options.
        """
        person = actor(by)
        with self._ledger.transaction():
            draft = self._ledger.drafts.get(draft_id)
            if draft.status not in OPEN:
                raise InputError(
                    f"{draft.id} is {draft.status}; it asks nothing any more.",
                    "Edit the ticket's file, or ask for a new draft."
                    if draft.status == "written"
                    else "Ask for a new draft.",
                )
            question = next((one for one in draft.questions if one.field == field), None)
            if question is None:
                asked = ", ".join(one.field for one in draft.questions)
                raise InputError(
                    f"{draft.id} does not ask about {field!r}.",
                    f"It asks about: {asked}." if asked else "It has no questions.",
                )
            answers = {**draft.answers, field: chosen_value(question, value)}
            answered = draft.model_copy(update={"answers": answers, "status": "drafting"})
            self._ledger.drafts.put(answered, actor=person, kind="draft.answered")
        return answered

    def take_guesses(self, draft_id: str, by: str) -> Draft:
        """Lets a draft go on with its best guesses in place of the answers that are missing."""
        person = actor(by)
        with self._ledger.transaction():
            draft = self._ledger.drafts.get(draft_id)
            if draft.assume_yes or draft.status not in OPEN:
                return draft
            going = draft.model_copy(update={"assume_yes": True, "status": "drafting"})
            self._ledger.drafts.put(going, actor=person, kind="draft.guesses_taken")
        return going

    def open_questions(self, draft: Draft) -> tuple[Options, ...]:
        """What a person has not answered yet."""
        if draft.status not in OPEN:
            return ()
        return tuple(one for one in draft.questions if one.field not in draft.answers)

    def _next_id(self) -> str:
        numbers = [
            int(match[1])
            for draft in self._ledger.drafts.all()
            if (match := _NUMBER.fullmatch(draft.id))
        ]
        return f"D-{max(numbers, default=0) + 1:03d}"


def ticket_of(draft: Draft) -> Ticket:
    """The ticket of a written draft; one of a snapshot starts from a snapshot again.

    Raises InputError where the draft has none.
    """
    if draft.ticket is None:
        raise InputError(
            f"{draft.id} has no ticket; it is {draft.status}.",
            f"Go on with: labcrew ticket new --resume {draft.id}",
        )
    if not draft.snapshot_of:
        return draft.ticket
    return draft.ticket.model_copy(update={"commit": draft.snapshot_of, "snapshot": True})


def file_text(draft: Draft) -> str:
    """The ticket's file, with every guess beside its field. Raises InputError without a ticket."""
    from agents.drafting.writing import ticket_text

    account = [
        f"{draft.id}, asked for by {draft.asked_by} at {draft.asked_at}.",
        f"It was read and run at commit {draft.base_commit[:12]}.",
        *(f"{draft.asked_by} answered {field}: {brief(v)}" for field, v in draft.answers.items()),
        *draft.account,
    ]
    return ticket_text(ticket_of(draft), draft.guesses, account)


def _sentence(given: str) -> str:
    sentence = given.strip()
    if not sentence:
        raise InputError(
            "What should become better? The sentence is empty.",
            'Say it in your words: labcrew ticket new REPO "lower the test loss"',
        )
    if len(sentence) > MOST_CHARACTERS:
        raise InputError(
            f"The sentence has {len(sentence):,} characters; at most {MOST_CHARACTERS:,} are read.",
            "Say what should become better in a sentence; the rest can stand in the ticket.",
        )
    if not is_plain(sentence):
        raise InputError(
            "The sentence holds control characters, line breaks or invisible characters.",
            "Type it on one line.",
        )
    return sentence


def _check_budget(trials: int | None, hours: float | None) -> None:
    given = {name: v for name, v in (("trials", trials), ("hours", hours)) if v is not None}
    try:
        Budget.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"--{first['loc'][0]}: {first['msg']}.") from None
