"""A drafter that knows beforehand what it will find, for tests of what people see of drafts."""

from collections.abc import Callable, Sequence

from labcrew.domain.draft import Draft, DraftStatus, Guess, Option, Options, Trouble
from labcrew.domain.survey import Place
from labcrew.domain.ticket import Ticket
from labcrew.ledger import Ledger

SEEN = Place(path="train.py", line=3, text="parser.add_argument('--lr', type=float)")
GUESSES = (
    Guess(
        field="metric.direction",
        value="minimize",
        confidence=0.6,
        because="it is named a loss",
        evidence=(Place(path="", text="val_loss=0.5"),),
    ),
    Guess(
        field="search_space.lr",
        value={"type": "float", "low": 0.001, "high": 1.0},
        confidence=0.9,
        because="named as a learning rate",
        evidence=(SEEN,),
    ),
)
QUESTION = Options(
    field="metric.direction",
    question="Is a higher or a lower val_loss better?",
    options=(
        Option(
            label="lower",
            value="minimize",
            score=1.0,
            because="it is named a loss",
            evidence=(Place(path="", text="val_loss=0.5"),),
        ),
        Option(label="higher", value="maximize", score=0.2, because="its values rise"),
    ),
)


class ScriptedDrafter:
    """Asks its questions, then writes its ticket; or fails.

    Args:
        ledger: where the drafts are.
        questions: what it asks where a person's answer is missing.
        guesses: what it says of the ticket's fields.
        trouble: why it fails, None: it does not.
        say: is told what it does.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        questions: Sequence[Options] = (QUESTION,),
        guesses: Sequence[Guess] = GUESSES,
        trouble: Trouble | None = None,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._ledger = ledger
        self._questions = tuple(questions)
        self._guesses = tuple(guesses)
        self._trouble = trouble
        self._say = say
        self.advanced: list[str] = []

    async def advance(self, draft: str) -> Draft:
        self.advanced.append(draft)
        found = self._ledger.drafts.get(draft)
        if found.status in ("written", "failed"):
            return found
        self._say("Reading the repository …")
        asked = tuple(one for one in self._questions if one.field not in found.answers)
        status: DraftStatus = "asking" if asked and not found.assume_yes else "written"
        ended = (
            found.model_copy(update={"status": "failed", "trouble": self._trouble})
            if self._trouble is not None
            else found.model_copy(
                update={
                    "status": status,
                    "ticket": self._ticket(found),
                    "guesses": self._guesses,
                    "questions": asked,
                }
            )
        )
        self._ledger.drafts.put(ended, actor="coordinator", kind=f"draft.{ended.status}")
        return ended

    def _ticket(self, draft: Draft) -> Ticket:
        direction = draft.answers.get("metric.direction", "minimize")
        return Ticket.model_validate(
            {
                "title": "A lower loss",
                "question": draft.sentence,
                "repository": draft.repository,
                "commit": draft.base_commit,
                "metric": {
                    "name": "val_loss",
                    "direction": direction,
                    "pattern": r"val_loss=([-+.\deE]+)",
                },
                "run": {"command": "python train.py {settings}"},
                "search_space": {"lr": {"type": "float", "low": 0.001, "high": 1.0}},
                "budget": {"trials": draft.trials or 12},
            }
        )
