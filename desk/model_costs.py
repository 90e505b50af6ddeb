"""What a ticket's agents used of chat models, as people read it."""

from collections.abc import Iterable, Mapping

from labcrew.domain.budget import Budget
from labcrew.domain.programming import ModelCall
from labcrew.domain.spending import Amount
from labcrew.spending import spent_by, total


def rows(calls: Iterable[ModelCall]) -> list[list[str]]:
    """A row an agent, and one of all: agent, calls, prompt tokens, cached, completion, USD."""
    spent = spent_by(calls)
    made = [_row(agent, amount) for agent, amount in sorted(spent.items())]
    return [*made, _row("all", total(spent))] if len(made) > 1 else made


HEAD = ["agent", "calls", "prompt tokens", "of them cached", "completion tokens", "USD"]


def line(spent: Mapping[str, Amount], budget: Budget) -> str:
    """What of the budget for models is used, by agent; empty where none was asked."""
    if not spent:
        return ""
    amount = total(spent)
    money = "" if budget.model_usd is None else f" of {budget.model_usd:g}"
    agents = ", ".join(
        f"{agent} {used.tokens.total:,}" for agent, used in sorted(spent.items()) if used.calls
    )
    return (
        f"models: {amount.tokens.total:,} of {budget.model_tokens:,} tokens ({agents});"
        f" {_usd(amount)}{money} USD"
    )


def _row(name: str, amount: Amount) -> list[str]:
    tokens = amount.tokens
    return [
        name.replace("_", " "),
        f"{amount.calls:,}",
        f"{tokens.prompt:,}",
        f"{tokens.cached:,}",
        f"{tokens.completion:,}",
        _usd(amount),
    ]


def _usd(amount: Amount) -> str:
    """Money, and that it is not all where a model had no price."""
    if amount.unpriced and not amount.usd:
        return "no price"
    more = " and more (no price)" if amount.unpriced else ""
    return f"{amount.usd:.4f}{more}"
