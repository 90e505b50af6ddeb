"""Messages with what each means, in splits."""

import tomllib
from importlib import resources
from typing import Literal, get_args

from pydantic import Field

from desk.chat.intents import Intent
from desk.chat.known import Known, named
from labcrew.domain.base import Model
from labcrew.domain.conversation import Focus

Split = Literal["tuning", "unseen", "fresh"]
SPLITS: tuple[Split, ...] = get_args(Split)
TITLES = {
    "T-001": "Better accuracy on the handwritten digits",
    "T-002": "Lower the validation loss of the tagger",
    "T-003": "Learning rate for the churn model",
    "T-004": "Does augmentation help the spectrogram classifier",
    "T-005": "Shorter training of the recommender",
    "T-006": "Weight decay for the ranking model",
}
METRICS = {"accuracy", "loss", "auc"}


class Second(Model):
    """The other thing that a message says."""

    intent: Intent
    tickets: tuple[str, ...] = ()


class Case(Model):
    """A message and what it means; slots that are not named are empty."""

    say: str
    intent: Intent
    focus: Focus = Focus()
    also: Second | None = None
    tickets: tuple[str, ...] = ()
    trials: tuple[int, ...] = ()
    gate: str = ""
    merge_request: str = ""
    budget: tuple[str, ...] = Field(default=(), description="as `trials + 5`")
    decision: str = ""
    metric: str = ""
    since: str = ""
    text: str = ""
    path: str = ""
    line: int | None = None
    source: str = ""


def cases(split: Split) -> tuple[Case, ...]:
    """The messages of a split."""
    text = (resources.files("evals.chat") / f"{split}.toml").read_text("utf-8")
    return tuple(Case.model_validate(one) for one in tomllib.loads(text)["examples"])


def eval_names() -> Known:
    """The names that the messages speak of."""
    return named(TITLES, METRICS)
