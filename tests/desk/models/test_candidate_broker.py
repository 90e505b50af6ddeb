"""The broker between candidates and the model: what is sent, remembered, counted, and refused."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from desk import local_model
from desk.models.candidate_broker import CandidateBroker, broker_of
from evals.endpoint import Endpoint, Reply, Says, Status, endpoint
from evals.local_models import fetched
from labcrew.domain.chat import Message
from labcrew.domain.evolution import ModelRequest
from labcrew.domain.spending import Price
from labcrew.errors import ModelFailure, SettingsError
from labcrew.settings import ModelSettings, Settings
from tests.desk.models.scripted import KEY, settings


@contextmanager
def brokered(
    tmp_path: Path, *script: Reply, **changes: Any
) -> Iterator[tuple[CandidateBroker, Endpoint]]:
    with endpoint(*script) as served:
        broker = CandidateBroker(settings(served.base_url, **changes), tmp_path / "answers.db")
        with closing(broker):
            yield broker, served


def asked(text: str = "hello", **more: Any) -> ModelRequest:
    return ModelRequest(messages=(Message(role="user", content=text),), **more)


def test_every_choice_reaches_the_endpoint(tmp_path: Path) -> None:
    request = asked(
        temperature=0.3,
        top_p=0.9,
        top_k=7,
        min_p=0.1,
        repeat_penalty=1.2,
        max_tokens=33,
        stop=("###",),
    )
    with brokered(tmp_path, Says("hi there"), options={"extra": 1}) as (broker, served):
        answer = broker.answer(request, 5)
    assert (answer.text, answer.cached) == ("hi there", False)
    assert answer.prompt_tokens > 0
    assert answer.completion_tokens > 0
    (sent,) = served.requests
    wanted = {
        "temperature": 0.3, "top_p": 0.9, "top_k": 7, "min_p": 0.1, "repeat_penalty": 1.2,
        "max_completion_tokens": 33, "stop": ["###"], "seed": 5, "extra": 1,
    }  # fmt: skip
    assert {name: sent.get(name) for name in wanted} == wanted
    assert sent["messages"] == [{"role": "user", "content": "hello"}]


def test_the_same_question_and_seed_is_asked_once(tmp_path: Path) -> None:
    with brokered(tmp_path, Says("one"), Says("two"), Says("three"), Says("four")) as (
        broker,
        served,
    ):
        first = broker.answer(asked(), 1)
        again = broker.answer(asked(), 1)
        assert again == first.model_copy(update={"cached": True})
        assert broker.answer(asked(), 2).text == "two"
        assert broker.answer(asked(temperature=0.1), 1).text == "three"
        assert broker.answer(asked(sample=1), 1).text == "four"
        assert len(served.requests) == 4
        assert served.requests[3]["seed"] not in (1, 2)


def test_answers_outlive_the_process(tmp_path: Path) -> None:
    with brokered(tmp_path, Says("one")) as (broker, served):
        first = broker.answer(asked(), 1)
        program = f"""
        import os, signal
        from pathlib import Path
        from desk.models.candidate_broker import CandidateBroker
        from labcrew.domain.chat import Message
        from labcrew.domain.evolution import ModelRequest
        from labcrew.settings import ModelSettings
        settings = ModelSettings.model_validate_json(os.environ["SETTINGS"])
        broker = CandidateBroker(settings, Path({str(tmp_path / "answers.db")!r}))
        asked = ModelRequest(messages=(Message(role="user", content="other"),))
        print(broker.answer(asked, 1).text, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
        told = settings(served.base_url).model_dump(mode="json") | {"api_key": KEY}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"SETTINGS": json.dumps(told)},
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert done.stdout == "one\n"
        known = broker.answer(asked("other"), 1)
        assert (known.text, known.cached) == ("one", True)
        assert len(served.requests) == 2
    with brokered(tmp_path, Says("never")) as (broker, served):
        broker.close()
    assert first.text == "one"


def test_many_threads_hear_the_same(tmp_path: Path) -> None:
    answers = iter(range(1000))
    lock = threading.Lock()

    def numbered(_: dict[str, Any]) -> Reply:
        with lock:
            return Says(str(next(answers)))

    with endpoint(answers=numbered) as served:
        broker = CandidateBroker(
            settings(served.base_url, parallel=4), tmp_path / "deep" / "answers.db"
        )
        with closing(broker), ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda n: broker.answer(asked(str(n % 5)), 0).text, range(60)))
    assert all(found[n] == found[n % 5] for n in range(60))


def test_an_answer_that_is_cut_off_is_an_answer(tmp_path: Path) -> None:
    with brokered(tmp_path, Says("half of it", finish_reason="length")) as (broker, _):
        answer = broker.answer(asked(max_tokens=3), 1)
        assert answer.text == "half of it"
        assert answer.tokens > 0
        assert broker.answer(asked(max_tokens=3), 1).cached


def test_what_passes_is_asked_again_and_no_failure_is_kept(tmp_path: Path) -> None:
    with brokered(tmp_path, Status(503), Says("now"), retries=1) as (broker, served):
        assert broker.answer(asked(), 1).text == "now"
        assert len(served.requests) == 2
    with brokered(tmp_path, Status(500), Status(500), Says("later"), retries=1) as (broker, _):
        with pytest.raises(ModelFailure) as caught:
            broker.answer(asked("new"), 1)
        assert caught.value.kind == "unavailable"
        assert KEY not in str(caught.value)
        assert broker.answer(asked("new"), 1).text == "later"


def test_a_long_wait_that_the_endpoint_asks_for_is_kept_to(tmp_path: Path) -> None:
    with brokered(tmp_path, Status(429, retry_after_s=300), Says("yes")) as (broker, served):
        for seed in (1, 2):
            with pytest.raises(ModelFailure) as caught:
                broker.answer(asked(), seed)
            assert caught.value.kind == "rate_limited"
        assert len(served.requests) == 1


def test_a_refusal_of_the_request_is_told_as_such(tmp_path: Path) -> None:
    with (
        brokered(tmp_path, Status(400, message="maximum context length is 10")) as (broker, _),
        pytest.raises(ModelFailure) as caught,
    ):
        broker.answer(asked(), 1)
    assert caught.value.kind == "too_long"


def test_settings_name_who_answers(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    local = ModelSettings(model="a", base_url="http://127.0.0.1:1/v1")
    other = local.model_copy(update={"model": "b"})
    for made, name in (
        (Settings(), None),
        (Settings(models={"default": local}), "a"),
        (Settings(models={"default": local, "candidate": other}), "b"),
        (Settings(models={"default": local}, answering={"candidate": ("rule",)}), None),
        (Settings(models={"default": local}, answering={"candidate": ("default", "rule")}), "a"),
    ):
        broker = broker_of(made, path)
        assert (broker.model if broker else None) == name
        if broker:
            broker.close()


def test_another_file_of_the_same_name_and_size_is_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, answers = tmp_path / "model.gguf", tmp_path / "answers.db"

    def heard() -> tuple[str, bool]:
        with closing(CandidateBroker(ModelSettings(gguf=file), answers)) as broker:
            answer = broker.answer(asked(), 1)
        return answer.text, answer.cached

    with endpoint(Says("one"), Says("two")) as served:
        monkeypatch.setattr(local_model, "base_url_of", lambda settings: served.base_url)
        file.write_bytes(b"GGUF one")
        assert [heard(), heard()] == [("one", False), ("one", True)]
        other = tmp_path / "other.gguf"
        other.write_bytes(b"GGUF two")
        other.replace(file)
        assert [heard(), heard()] == [("two", False), ("two", True)]
        file.write_bytes(b"GGUF one")
        assert heard() == ("one", True)


def test_a_file_that_is_replaced_while_its_model_is_loaded_changes_nothing_until_it_is_loaded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, answers = tmp_path / "model.gguf", tmp_path / "answers.db"
    model = ModelSettings(gguf=file)

    def heard(text: str) -> tuple[str, bool]:
        with closing(CandidateBroker(model, answers)) as broker:
            answer = broker.answer(asked(text), 1)
        return answer.text, answer.cached

    with endpoint(Says("one"), Says("still one"), Says("two")) as served:
        address = served.base_url.removesuffix("/v1")

        def new_process() -> None:
            server = SimpleNamespace(listening_address=address)
            monkeypatch.setattr(local_model, "_SERVED", {})
            monkeypatch.setattr(local_model, "_serve", lambda *_: server)

        file.write_bytes(b"GGUF one")
        new_process()
        assert heard("hello") == ("one", False)
        file.write_bytes(b"GGUF two")
        assert heard("hello") == ("one", True)
        assert heard("and you?") == ("still one", False)
        new_process()
        assert heard("and you?") == ("two", False)
        file.write_bytes(b"GGUF one")
        new_process()
        assert heard("and you?") == ("still one", True)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    gone = ModelSettings(gguf=tmp_path / "gone.gguf")
    with (
        closing(CandidateBroker(gone, tmp_path / "answers.db")) as broker,
        pytest.raises(SettingsError, match=r"gone\.gguf can't be read"),
    ):
        broker.answer(asked(), 1)


def test_a_model_of_this_machine_answers(tmp_path: Path) -> None:
    served = ModelSettings(gguf=fetched("0.5b"), context_tokens=2048)
    with closing(CandidateBroker(served, tmp_path / "answers.db")) as broker:
        request = asked(
            "Say the word blue.", temperature=0, max_tokens=8, top_k=1, min_p=0.05, stop=("\n",)
        )
        answer = broker.answer(request, 3)
        assert "blue" in answer.text.lower()
        assert 0 < answer.completion_tokens <= 8
        assert answer.prompt_tokens > 5
        assert broker.answer(request, 3) == answer.model_copy(update={"cached": True})


@pytest.mark.parametrize(
    ("script", "completion"),
    [
        (Says("what is withheld", finish_reason="content_filter"), None),
        (Status(400), 100),
        (Status(503), 0),
    ],
    ids=["as told", "all it could", "turned away"],
)
def test_a_failure_says_what_it_used_and_cost(
    tmp_path: Path, script: Reply, completion: int | None
) -> None:
    price = Price(prompt=0, completion=2_000_000)
    with endpoint(script) as served:
        made = settings(served.base_url, retries=0)
        broker = CandidateBroker(made, tmp_path / "answers.db", price=price)
        with closing(broker), pytest.raises(ModelFailure) as caught:
            broker.answer(asked(max_tokens=100), 1)
    used = caught.value.tokens
    assert used is not None
    assert (0 < used.completion < 100) if completion is None else used.completion == completion
    assert caught.value.usd == 2 * used.completion


def test_an_answer_costs_the_same_whenever_it_is_asked_for(tmp_path: Path) -> None:
    with endpoint(Says("one")) as served:
        made = settings(served.base_url)
        path, price = tmp_path / "answers.db", Price(prompt=1_000_000, completion=2_000_000)
        with closing(CandidateBroker(made, path, price=price)) as broker:
            first, again = broker.answer(asked(), 1), broker.answer(asked(), 1)
        assert first.usd == again.usd == first.prompt_tokens + 2 * first.completion_tokens > 0
        with closing(CandidateBroker(made, path)) as broker:
            assert broker.answer(asked(), 1).usd == 0
