"""Cases for the coordinator's moves and recoveries, and for what is done about incidents."""

from collections.abc import Sequence
from typing import Literal

from agents.coordinator import (
    NEXT_MOVE,
    RECOVERY,
    Move,
    MoveAnswer,
    MoveQuestion,
    RecoveryAnswer,
    RecoveryQuestion,
)
from agents.log_monitor import INTERVENTION, InterventionAnswer, InterventionQuestion
from agents.monitoring.bandit import Experience
from evals.judgements.case import Case, choice
from labcrew.domain.monitoring import Action, IncidentKind
from labcrew.domain.research import AgentName

MERGE: tuple[Move, ...] = ("ask_budget", "open_merge_request")
CLOSE: tuple[Move, ...] = ("ask_budget", "finish")


def _move(
    name: str,
    legal: tuple[Move, ...],
    best: Move,
    *fair: Move,
    gain: float | None = None,
    met: bool = False,
    asked: int = 0,
    untried: int = 0,
    trials: int = 0,
    hours: float = 1.5,
) -> Case:
    question = MoveQuestion(
        legal=legal, trials_left=trials, hours_left=hours, target_met=met, gain=gain,
        budget_asked=asked, untried=untried,
    )  # fmt: skip
    right = MoveAnswer(move=best, because="as a careful person would")
    return Case(name, NEXT_MOVE, question, choice("move", [best], fair), right)


def next_moves() -> tuple[Case, ...]:
    """Where the budget is spent, or a move is the only one."""
    return (
        _move("target met", MERGE, "open_merge_request", gain=0.031, met=True),
        _move("a clear gain", MERGE, "open_merge_request", gain=0.12),
        _move("target met, hours spent", MERGE, "open_merge_request", gain=2.4, met=True, hours=0),
        _move("worse than the baseline", MERGE, "ask_budget", "open_merge_request", gain=-0.02),
        _move("nothing to show", CLOSE, "ask_budget", "finish"),
        _move("nothing to show, asked once", CLOSE, "finish", asked=1),
        _move("no gain, asked once", MERGE, "open_merge_request", gain=-0.01, asked=1),
        _move("no gain, asked twice", MERGE, "open_merge_request", gain=0.0, asked=2),
        _move("wishes untried", MERGE, "ask_budget", gain=0.004, untried=3),
        _move("wishes untried, none better", CLOSE, "ask_budget", untried=1),
        _move("wishes untried, asked once", MERGE, "open_merge_request", gain=0.02, untried=2,
              asked=1),
        _move("target met, a wish untried", MERGE, "ask_budget", "open_merge_request", gain=0.05,
              met=True, untried=1),
        _move("hours spent, trials left, no gain", MERGE, "ask_budget", "open_merge_request",
              gain=-0.3, trials=14, hours=0),
        _move("only merge", ("open_merge_request",), "open_merge_request", gain=0.01, trials=3),
        _move("only finish", ("finish",), "finish", trials=5),
    )  # fmt: skip


Recovery = Literal["restart", "reroute", "escalate"]


def _recovery(
    name: str,
    agent: AgentName,
    problems: Sequence[str],
    best: Recovery,
    *fair: Recovery,
    attempts: int = 1,
    model: bool = False,
) -> Case:
    question = RecoveryQuestion(
        agent=agent, problems=tuple(problems), attempts=attempts, model_used=model
    )
    right = RecoveryAnswer(action=best, because="as a careful person would")
    return Case(name, RECOVERY, question, choice("action", [best], fair), right)


def recoveries() -> tuple[Case, ...]:
    """What passes is tried again, what the model did is left to the rules, what stays is told."""
    return (
        _recovery("a source timed out", "literature_review",
                  ["arXiv did not answer within 30 s"], "restart"),
        _recovery("connection reset", "experiment_launcher",
                  ["the engine closed the connection in mid-call"], "restart"),
        _recovery("a busy database", "data_pipeline",
                  ["the ledger was locked by another worker for 5 s"], "restart"),
        _recovery("an answer of the wrong shape", "literature_review",
                  ["the brief names sentence s99, which is not among the candidates"],
                  "restart", "reroute", model=True),
        _recovery("the model's brief is wrong again", "literature_review",
                  ["the brief names sentence s99, which is not among the candidates"],
                  "reroute", attempts=2, model=True),
        _recovery("the model refuses", "merge_request",
                  ["the model refused to write the paragraph"], "reroute", attempts=2, model=True),
        _recovery("proposes too many rows", "data_pipeline",
                  ["it proposes 61% of data/train.csv for quarantine"], "reroute", attempts=2,
                  model=True),
        _recovery("a missing file", "data_pipeline",
                  ["data/train.csv: no such file at the ticket's commit"], "escalate", "restart"),
        _recovery("a missing file, again", "data_pipeline",
                  ["data/train.csv: no such file at the ticket's commit"], "escalate",
                  attempts=2),
        _recovery("no permission", "data_pipeline",
                  ["the host says permission denied for /data/speech"], "escalate", "restart"),
        _recovery("no module, again", "experiment_launcher",
                  ["ModuleNotFoundError: No module named 'apex'"], "escalate", attempts=2),
        _recovery("failed three times", "log_monitor",
                  ["the log could not be read: invalid bytes"], "escalate", attempts=3),
        _recovery("failed three times with a model", "merge_request",
                  ["the description differs from the ledger"], "escalate", attempts=3, model=True),
        _recovery("engine gone twice", "experiment_launcher",
                  ["no Docker engine answers"], "escalate", "restart", attempts=2),
    )  # fmt: skip


def _incident(
    name: str,
    kind: IncidentKind,
    diagnosis: str,
    evidence: Sequence[str],
    allowed: tuple[Action, ...],
    best: Action,
    *fair: Action,
    known: Sequence[tuple[Action, float, int]] = (),
    explore: bool = True,
    learning: bool = True,
) -> Case:
    question = InterventionQuestion(
        id=f"T-0007-012-{kind.replace('_', '-')}", kind=kind, diagnosis=diagnosis,
        evidence=tuple(evidence), values={"learning_rate": 0.03, "batch_size": 64},
        allowed=allowed,
        known=tuple(Experience(action=a, gained=gained, times=n) for a, gained, n in known),
        explore=explore, learning=learning,
    )  # fmt: skip
    right = InterventionAnswer(action=best, because="as a careful person would")
    return Case(name, INTERVENTION, question, choice("action", [best], fair), right)


def interventions() -> tuple[Case, ...]:
    """What brought most before, or, where nothing is known, what the evidence speaks for."""
    diverged: tuple[Action, ...] = (
        "restart_lower_rate", "restart_clipped", "restart_same", "give_up",
    )  # fmt: skip
    memory: tuple[Action, ...] = ("restart_smaller_batch", "restart_with_memory", "give_up")
    return (
        _incident("diverged, lower rate known best", "diverged", "the loss rose for 40 steps",
                  ["step 300 loss 2.1", "step 340 loss 41.7"], diverged, "restart_lower_rate",
                  known=[("restart_lower_rate", 18, 20), ("restart_clipped", 3, 20),
                         ("restart_same", 0, 10)]),
        _incident("diverged, clipping known best", "diverged", "the loss rose for 25 steps",
                  ["step 90 loss 3.0", "step 115 loss 88"], diverged, "restart_clipped",
                  known=[("restart_lower_rate", 2, 20), ("restart_clipped", 19, 21),
                         ("restart_same", 1, 12)]),
        _incident("not finite, gradients exploded", "not_finite", "the loss is nan from step 51",
                  ["step 49 grad_norm 12", "step 50 grad_norm 8.1e9", "step 51 loss nan"],
                  diverged, "restart_clipped", "restart_lower_rate"),
        _incident("not finite, rate too high", "not_finite", "the loss is nan from step 3",
                  ["lr 30.0 (warm-up is off)", "step 2 loss 4e11", "step 3 loss nan"], diverged,
                  "restart_lower_rate", "restart_clipped"),
        _incident("memory, batch known best", "out_of_memory",
                  "the kernel ended it: out of memory", ["step 12 batch 64 memory 7.9 GiB"],
                  memory, "restart_smaller_batch",
                  known=[("restart_smaller_batch", 14, 15), ("restart_with_memory", 2, 9)]),
        _incident("memory, more memory known best", "out_of_memory",
                  "the kernel ended it: out of memory", ["loading the embedding table (11 GiB)"],
                  memory, "restart_with_memory",
                  known=[("restart_smaller_batch", 0, 12), ("restart_with_memory", 11, 12)]),
        _incident("memory while loading a table", "out_of_memory",
                  "the kernel ended it: out of memory",
                  ["reading vectors.bin (3.1 GiB) into memory", "before the first batch"], memory,
                  "restart_with_memory"),
        _incident("one bad shard", "corrupt_batch", "shard-7 can't be decoded",
                  ["shard-6 ok", "shard-7: zlib error -3", "shard-7: zlib error -3"],
                  ("restart_without_batch", "restart_same", "give_up"), "restart_without_batch"),
        _incident("a storage hiccup", "stalled", "no line of output for 600 s",
                  ["nfs: server lab-store not responding", "nfs: server lab-store OK"],
                  ("restart_same", "restart_elsewhere", "give_up"), "restart_same",
                  "restart_elsewhere"),
        _incident("a sick node", "slowed", "steps take 9 times as long as before",
                  ["GPU 0 clocks throttled: thermal", "it/s 0.4 (was 3.6)"],
                  ("continue", "restart_elsewhere"), "restart_elsewhere"),
        _incident("a passing spike", "loss_spike", "the loss rose from 1.2 to 3.9 in one step",
                  ["step 800 loss 3.9", "step 805 loss 1.3", "step 810 loss 1.2"],
                  ("continue", "restart_clipped", "restart_lower_rate"), "continue"),
        _incident("validation rises slowly", "overfitting", "validation loss rises since epoch 9",
                  ["epoch 9 val 0.61", "epoch 12 val 0.63; best.pt is of epoch 9"],
                  ("continue", "give_up"), "continue"),
        _incident("scores too good", "metric_jump", "accuracy rose from 0.71 to 1.0 in one epoch",
                  ["epoch 4 val_acc 0.71", "epoch 5 val_acc 1.000", "reloaded split: train"],
                  ("escalate", "continue"), "escalate"),
        _incident("no experiments allowed", "diverged", "the loss rose for 30 steps",
                  ["step 60 loss 9e4"], diverged, "restart_lower_rate",
                  known=[("restart_lower_rate", 9, 12), ("restart_clipped", 8, 12)],
                  explore=False),
        _incident("engine lost", "engine_lost", "its container is gone; outcome unknown",
                  ["epoch 3 val_acc 0.64"], ("restart_same", "give_up"), "restart_same"),
    )  # fmt: skip
