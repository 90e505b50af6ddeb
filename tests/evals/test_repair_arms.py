"""What is read out of a single answer, and the budget that every arm has."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.endpoint import Says, Status, endpoint
from evals.repair.arms.samples import sampled
from evals.repair.arms.single import SAMPLED, answered, asked, single_shot
from evals.repair.attempt import COMPLETION_TOKENS, STEPS
from evals.repair.catalogue import Task, catalogue
from evals.repair.metered import Account, MeteredChat
from labcrew.domain.chat import Manner, Message
from labcrew.errors import ModelFailure
from labcrew.settings import ModelSettings

FILES = {
    "data.py": "def load():\n    return []\n\n\ndef split(rows):\n    return rows, rows\n",
    "pkg/model.py": "class Model:\n    pass\n",
}
WHOLE = "def load():\n    return []\n\n\ndef split(rows):\n    return rows[:1], rows[1:]\n"
HELLO = [Message(role="user", content="hello")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"data.py\n```python\n{WHOLE}```", {"data.py": WHOLE}),
        (f"**`data.py`**:\n\n```python\n{WHOLE}```\nDone.", {"data.py": WHOLE}),
        (f"```python\n# data.py\n{WHOLE}```", {"data.py": f"# data.py\n{WHOLE}"}),
        (f"Here it is.\n```\n{WHOLE}```", {"data.py": WHOLE}),
        ("The file:\n```python\nprint(1)\n```", {}),
        ("data.py\n```python\n    return rows[:1], rows[1:]\n```", {}),
        ("other.py\n```python\ndef new():\n    pass\n```", {}),
        (f"data.py\n```python\n{WHOLE}", {}),
        ("I can't see any fault.", {}),
    ],
)
def test_whole_files_are_read_out_of_an_answer(text: str, found: dict[str, str]) -> None:
    assert answered(text, FILES) == found


@given(st.text(alphabet="`python\ndef load(): split\x00.pyé", max_size=300))
def test_whatever_is_answered_only_known_files_come_of_it(text: str) -> None:
    assert set(answered(text, FILES)) <= set(FILES)


def test_the_one_prompt_holds_all_that_is_needed_and_not_the_repair() -> None:
    for task in catalogue():
        prompt = asked(task)
        assert task.question.strip() in prompt
        assert all(text.rstrip() in prompt for text in task.files.values())
        assert not any(name.rpartition("::")[2] in prompt for name in task.fail_to_pass)
        assert not any(text.rstrip() in prompt for text in task.solution.values())


def settings(base_url: str) -> ModelSettings:
    return ModelSettings(model="m", base_url=base_url, max_tokens=COMPLETION_TOKENS)


def usage(completion: int, prompt: int = 7) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


async def test_each_answer_may_be_as_long_as_what_is_left() -> None:
    with endpoint(Says("a", usage=usage(3)), Says("b", usage=usage(5))) as served:
        account = Account()
        chat = MeteredChat(settings(served.base_url), account)
        await chat.reply(HELLO)
        await chat.in_manner(Manner(temperature=0.7, seed=3, most_tokens=90)).reply(HELLO)
        limits = [request["max_completion_tokens"] for request in served.requests]
        assert served.requests[1]["temperature"] == 0.7
        assert served.requests[1]["seed"] == 3
    assert limits == [COMPLETION_TOKENS, 90]
    assert (account.calls, account.tokens.completion, account.tokens.prompt) == (2, 8, 14)


async def test_nothing_is_asked_when_the_budget_is_used_up() -> None:
    with endpoint(Says("a", usage=usage(1))) as served:
        account = Account()
        chat = MeteredChat(settings(served.base_url), account)
        for _ in range(STEPS):
            await chat.reply(HELLO)
        with pytest.raises(ModelFailure) as caught:
            await chat.reply(HELLO)
        assert len(served.requests) == STEPS
    assert caught.value.kind == "cut_off"
    assert account.lost is None


async def test_a_cut_answer_costs_what_it_cost() -> None:
    cut = Says(
        "data.py " * COMPLETION_TOKENS, finish_reason="length", usage=usage(COMPLETION_TOKENS)
    )
    task = catalogue()[0]
    with endpoint(cut) as served:
        account = Account()
        proposal = await single_shot(task, MeteredChat(settings(served.base_url), account))
    assert proposal.files == {}
    assert account.left == 0
    assert account.lost is None


def whole_files(task: Task, more: str = "") -> str:
    return "\n\n".join(
        f"{path}\n```python\n{text.rstrip()}\n{more}```" for path, text in task.files.items()
    )


async def test_shots_are_drawn_until_one_passes() -> None:
    task = catalogue()[0]
    answers = [whole_files(task), whole_files(task, "# one\n"), whole_files(task, "# two\n")]
    said = [Says(text, usage=usage(9)) for text in (*answers[:2], answers[1], answers[2])]
    tried: list[Mapping[str, str]] = []

    def passes(files: Mapping[str, str]) -> bool:
        tried.append(files)
        return "# two" in str(files)

    with endpoint(*said) as served:
        chat = MeteredChat(settings(served.base_url), Account())
        proposal = await sampled(task, chat, passes, seed=2)
        drawn = [(r.get("temperature"), r.get("seed")) for r in served.requests]
    assert drawn == [(None, None), *((SAMPLED, seed) for seed in (2001, 2002, 2003))]
    assert len(tried) == 2, "what changes nothing, or was tried, is not tried again"
    assert "# two" in str(proposal.files)
    assert proposal.steps == 4


async def test_shots_end_with_the_budget_and_the_last_change_is_proposed() -> None:
    task = catalogue()[0]
    third = COMPLETION_TOKENS // 3
    said = [
        Says(whole_files(task, f"# {word}\n"), usage=usage(third, prompt=500))
        for word in ("one", "two", "three", "no")
    ]
    with endpoint(*said) as served:
        chat = MeteredChat(settings(served.base_url), Account())
        proposal = await sampled(task, chat, lambda files: False, seed=0)
        assert len(served.requests) == 3
    assert "# three" in str(proposal.files)


async def test_shots_end_where_the_endpoint_fails() -> None:
    with endpoint(Status(500)) as served:
        chat = MeteredChat(settings(served.base_url), Account())
        proposal = await sampled(catalogue()[0], chat, lambda files: True, seed=0)
    assert (proposal.files, proposal.steps) == ({}, 1)
    assert chat.account.lost is not None


async def test_an_endpoint_that_fails_is_not_the_arms_fault() -> None:
    with endpoint(Status(500)) as served:
        account = Account()
        with pytest.raises(ModelFailure):
            await MeteredChat(settings(served.base_url), account).reply(HELLO)
    assert account.lost is not None
