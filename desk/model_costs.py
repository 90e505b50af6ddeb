"""What a ticket's agents used of chat models, as people read it."""

from collections.abc import Iterable, Mapping

from labcrew.domain.budget import Budget
from labcrew.domain.programming import ModelCall
from labcrew.domain.spending import Amount, Limits
from labcrew.spending import spent_by, total


def rows(calls: Iterable[ModelCall]) -> list[list[str]]:
    """A row an agent, and one of all."""
    spent = spent_by(calls)
    made = [_row(agent, amount) for agent, amount in sorted(spent.items())]
    return [*made, _row("all", total(spent))] if len(made) > 1 else made


HEAD = ["agent", "calls", "prompt tokens", "of them cached", "completion tokens", "USD", "seconds"]


def line(
    spent: Mapping[str, Amount], budget: Budget, limits: Mapping[str, Limits] | None = None
) -> str:
    """What of the budget for models is used, by agent; empty where none was asked.

    Args:
        limits: of agents that have bounds of their own.
    """
    if not spent:
        return ""
    amount = total(spent)
    money = "" if budget.model_usd is None else f" of {budget.model_usd:g}"
    agents = ", ".join(
        of_agent(agent, used, (limits or {}).get(agent, Limits()))
        for agent, used in sorted(spent.items())
        if used.calls
    )
    return (
        f"models: {amount.tokens.total:,} of {budget.model_tokens:,} tokens ({agents});"
        f" {_usd(amount)}{money} USD"
    )


def of_agent(agent: str, used: Amount, most: Limits) -> str:
    """What an agent used: tokens, and what else it has a bound of."""
    said = [f"{agent} {used.tokens.total:,}"]
    if most.tokens is not None:
        said.append(f"of {most.tokens:,}")
    if most.usd is not None:
        said.append(f"and {_usd(used)} of {most.usd:g} USD")
    if most.seconds is not None:
        said.append(f"and {used.seconds:,.0f} of {most.seconds:,.0f} s")
    return " ".join(said)


def _row(name: str, amount: Amount) -> list[str]:
    tokens = amount.tokens
    return [
        name.replace("_", " "),
        f"{amount.calls:,}",
        f"{tokens.prompt:,}",
        f"{tokens.cached:,}",
        f"{tokens.completion:,}",
        _usd(amount),
        f"{amount.seconds:,.0f}",
    ]


def _usd(amount: Amount) -> str:
    """Money, and that it is not all where a model had no price."""
    if amount.unpriced and not amount.usd:
        return "no price"
    more = " and more (no price)" if amount.unpriced else ""
    return f"{amount.usd:.4f}{more}"
