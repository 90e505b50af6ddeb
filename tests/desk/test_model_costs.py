"""What models cost is told by agent, and what has no price is said to have none."""

from desk.model_costs import line, rows
from labcrew.domain.budget import Budget
from labcrew.domain.chat import Tokens
from labcrew.domain.programming import ModelCall
from labcrew.domain.spending import Limits
from labcrew.spending import spent_by


def call(agent: str, prompt: int, usd: float | None) -> ModelCall:
    return ModelCall(
        id=f"T-1/call/{prompt}",
        ticket="T-1",
        agent=agent,
        purpose="x.y",
        model="m",
        prompt_sha256="0" * 64,
        tokens=Tokens(prompt=prompt, cached=prompt // 2, completion=10),
        usd=usd,
        duration_s=1.0,
        outcome="answered",
    )


def test_a_row_an_agent_and_one_of_all() -> None:
    made = rows([call("merge_request", 1000, 0.25), call("coordinator", 100, 0.5)])
    assert made == [
        ["coordinator", "1", "100", "50", "10", "0.5000", "1"],
        ["merge request", "1", "1,000", "500", "10", "0.2500", "1"],
        ["all", "2", "1,100", "550", "20", "0.7500", "2"],
    ]
    assert rows([]) == []


def test_tokens_without_a_price_are_said_to_be() -> None:
    budget = Budget(model_tokens=5000, model_usd=2.0)
    assert line({}, budget) == ""
    assert line(spent_by([call("coordinator", 100, None)]), budget).endswith("; no price of 2 USD")
    both = [call("coordinator", 100, None), call("log_monitor", 200, 0.1)]
    assert line(spent_by(both), budget) == (
        "models: 320 of 5,000 tokens (coordinator 110, log_monitor 210);"
        " 0.1000 and more (no price) of 2 USD"
    )


def test_an_agents_own_bounds_stand_beside_what_it_used() -> None:
    spent = spent_by([call("coordinator", 100, 0.5), call("log_monitor", 200, 0.1)])
    limits = {"coordinator": Limits(tokens=400, usd=2, seconds=60), "data_pipeline": Limits()}
    assert line(spent, Budget(model_tokens=5000), limits) == (
        "models: 320 of 5,000 tokens (coordinator 110 of 400 and 0.5000 of 2 USD and 1 of 60 s,"
        " log_monitor 210); 0.6000 USD"
    )
