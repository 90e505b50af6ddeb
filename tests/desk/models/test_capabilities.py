"""`labcrew doctor --model`: what endpoints of many kinds can do, and which settings fit them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.doctor_models import Examined, examined
from desk.models.capabilities import Capability
from evals.endpoint import Calls, Raw, Reply, Says, Status, endpoint
from labcrew.errors import SettingsError
from labcrew.settings import ModelSettings, Settings
from tests.desk.models.scripted import KEY, settings


@dataclass(frozen=True)
class Able:
    """An endpoint with some abilities.

    Args:
        formats: of structured answers that it knows.
        tools: whether it knows tool calls.
        calls: whether its model uses them.
        streams, counts: whether it streams, and then counts; counts_plain: without a stream.
        limit: what it calls the longest answer.
        prose: whether its model puts words round a JSON object.
    """

    formats: tuple[str, ...] = ("json_schema", "json_object")
    tools: bool = True
    calls: bool = True
    streams: bool = True
    stream_options: bool = True
    counts: bool = True
    counts_plain: bool = True
    limits: tuple[str, ...] = ("max_completion_tokens", "max_tokens")
    prose: bool = False

    def __call__(self, body: dict[str, Any]) -> Reply:
        wanted = (body.get("response_format") or {}).get("type")
        if wanted and wanted not in self.formats:
            return Status(400, message=f"response_format {wanted} is not supported")
        if body.get("stream_options") and not self.stream_options:
            return Status(400, message="unknown parameter: stream_options")
        if "tools" in body and not self.tools:
            return Status(400, message="tools need another server option")
        said = self._said(body, wanted)
        counted = self.counts if body.get("stream") else self.counts_plain
        if isinstance(said, Says) and not counted:
            said = Says(said.value, said.finish_reason, usage=False)
        if body.get("stream") and not self.streams:
            message = {"role": "assistant", "content": "hello"}
            whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            return Raw(json.dumps(whole).encode())
        return said

    def _said(self, body: dict[str, Any], wanted: str | None) -> Reply:
        system, asked = body["messages"][0]["content"], body["messages"][1]["content"]
        last = body["messages"][-1]
        answered = last["role"] == "tool" or "Result of add" in last["content"]
        if asked.startswith("Add"):
            if "tools" in body:
                use = self.calls and not answered
                return Calls((("add", {"a": 2, "b": 3}),)) if use else Says("5")
            action = {"tool": "add", "arguments": {"a": 2, "b": 3}}
            return Says({"text": "", "action": None if answered else action})
        if asked.startswith("Which colour"):
            knows = wanted == "json_schema" or "JSON schema" in system
            sky = json.dumps({"colour": "blue", "clear": True}) if knows else "blue"
            return Says(f"Sure: {sky}" if self.prose else sky)
        if asked.startswith("Write the numbers"):
            most = min([body[name] for name in self.limits if name in body], default=10_000)
            text = "\n".join(map(str, range(1, 301)))
            cut = len(text) > 4 * most
            return Says(text[: 4 * most], "length" if cut else "stop")
        return Says("hello")


def asked(able: Any, models: tuple[dict[str, Any], ...] | None = None, **more: Any) -> Examined:
    with endpoint(answers=able, models=models) as served:
        (found,) = examined(Settings(models={"default": settings(served.base_url, **more)}), ())
    return found


def states(found: Examined) -> dict[str, str]:
    return {one.name: one.state for one in found.capabilities}


def test_an_endpoint_that_can_do_all_needs_no_settings() -> None:
    found = asked(Able(), ({"id": "test-model", "context_length": 8192},), context_tokens=8192)
    assert set(states(found).values()) == {"ok"}
    assert list(states(found)) == [
        "reach", "streaming", "structured output", "tools", "token counts", "max_tokens",
        "context length",
    ]  # fmt: skip
    assert found.settings == ""
    assert found.usable


@pytest.mark.parametrize(
    ("able", "lines", "warned"),
    [
        (Able(tools=False), ['tools = "schema"'], set()),
        (Able(calls=False), ['tools = "schema"'], set()),
        (Able(streams=False), ["stream = false"], {"streaming"}),
        (Able(stream_options=False, counts=False), ["stream_usage = false"], {"token counts"}),
        (Able(counts=False), [], {"token counts"}),
        (Able(counts=False, counts_plain=False), [], {"token counts"}),
        (Able(limits=("max_tokens",)), ['max_tokens_name = "max_tokens"'], set()),
        (Able(limits=()), [], {"max_tokens"}),
        (Able(formats=("json_object",)), ['structured = "json_object"'], {"structured output"}),
        (
            Able(formats=(), tools=False, prose=True),
            ['structured = "text"', 'tools = "schema"'],
            {"structured output"},
        ),
    ],
)
def test_what_it_can_not_do_is_said_with_the_settings_that_fit(
    able: Able, lines: list[str], warned: set[str]
) -> None:
    found = asked(able, context_tokens=4096)
    assert {name for name, state in states(found).items() if state != "ok"} == warned
    assert found.settings.splitlines()[1:] == lines
    assert found.usable
    fitting = {line.partition(" = ")[0]: json.loads(line.partition(" = ")[2]) for line in lines}
    again = asked(able, context_tokens=4096, **fitting)
    assert again.settings == ""


def test_the_context_length_is_read_from_the_list() -> None:
    found = asked(Able(), ({"id": "test-model", "meta": {"n_ctx": 4096}}, {"id": "other"}))
    assert found.settings == "[models.default]\ncontext_tokens = 4096"
    found = asked(Able(), ({"id": "test-model", "max_model_len": 4096},), context_tokens=9999)
    assert states(found)["context length"] == "warning"
    assert states(asked(Able()))["context length"] == "warning"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Status(401), "Check the key"),
        (Status(500), "Check base_url"),
        (Status(404), "it offers test-modell, test-small"),
        (Status(429), "quota"),
    ],
)
def test_an_endpoint_that_does_not_answer_is_asked_no_more(reply: Reply, said: str) -> None:
    with endpoint(reply, models=({"id": "test-modell"}, {"id": "test-small"})) as served:
        (found,) = examined(Settings(models={"default": settings(served.base_url)}), ())
        assert len(served.requests) <= 2
    assert states(found) == {"reach": "problem"}
    assert said in found.capabilities[0].detail
    assert not found.usable


def test_without_any_structured_answer_it_is_a_problem() -> None:
    found = asked(lambda body: Says("hello"))
    assert states(found)["structured output"] == "problem"
    assert not found.usable


def test_names_that_are_not_there() -> None:
    with pytest.raises(SettingsError, match="No model is set"):
        examined(Settings(), ())
    with pytest.raises(SettingsError, match="There is no model big"):
        examined(Settings(models={"default": settings("http://x")}), ("big",))


def test_one_that_can_not_be_asked_leaves_the_others_their_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with endpoint(answers=Able()) as served:
        models = {
            "coordinator": ModelSettings(gguf=tmp_path / "gone.gguf"),
            "log_monitor": ModelSettings(model="gpt-x"),
            "data_pipeline": ModelSettings(model="x", base_url="http://[::1"),
            "default": settings(served.base_url),
        }
        file, keyless, nowhere, sound = examined(Settings(models=models), ())
    assert states(file) == states(keyless) == {"settings": "problem"}
    assert "gone.gguf" in file.capabilities[0].detail
    assert "has no key. Set OPENAI_API_KEY" in keyless.capabilities[0].detail
    assert states(nowhere) == {"reach": "problem"}
    assert "Check base_url" in nowhere.capabilities[0].detail
    assert sound.usable
    assert len(sound.capabilities) == 7
    assert not file.usable
    assert not keyless.usable


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = str(tmp_path / "home")
    CliRunner().invoke(app, ["init", "--home", home])
    monkeypatch.setenv("LABCREW_MODELS__DEFAULT__API_KEY", KEY)
    monkeypatch.setenv("LABCREW_MODELS__DEFAULT__MODEL", "test-model")
    doctor = ["doctor", "--model", "--home", home]
    with endpoint(answers=Able(tools=False)) as served:
        monkeypatch.setenv("LABCREW_MODELS__DEFAULT__BASE_URL", served.base_url)
        plain = CliRunner().invoke(app, doctor)
        as_json = CliRunner().invoke(app, [*doctor, "default", "--json"])
        wrong = CliRunner().invoke(app, [*doctor, "big"])
        monkeypatch.setenv("LABCREW_MODELS__COORDINATOR__GGUF", str(tmp_path / "gone.gguf"))
        partly = CliRunner().invoke(app, doctor)
    assert plain.exit_code == 0
    assert 'Settings that fit it:\n[models.default]\ntools = "schema"' in plain.stdout
    (found,) = json.loads(as_json.stdout)["models"]
    assert (found["name"], found["usable"]) == ("default", True)
    assert {one["name"]: one["state"] for one in found["capabilities"]}["tools"] == "ok"
    assert wrong.exit_code == 2
    assert CliRunner().invoke(app, ["doctor", "default", "--home", home]).exit_code == 2
    assert KEY not in plain.output + as_json.output
    assert partly.exit_code == 4
    assert "PROBLEM  settings: " in partly.stdout
    assert 'Settings that fit it:\n[models.default]\ntools = "schema"' in partly.stdout
    monkeypatch.delenv("LABCREW_MODELS__COORDINATOR__GGUF")
    gone = CliRunner().invoke(app, doctor)
    assert gone.exit_code != 0
    assert "Check base_url" in gone.stdout


@pytest.mark.parametrize("named", [True, False])
def test_an_address_of_the_environment_is_said_not_to_be_used(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_model: ModelSettings) -> AsyncIterator[Capability]:
        return
        yield

    monkeypatch.setattr("desk.doctor_models.capabilities", nothing)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.example/v1")
    model = ModelSettings(model="gpt-x", base_url="http://gateway.example/v1" if named else None)
    (one,) = examined(Settings(models={"default": model}), ())
    told = [(found.state, found.detail.partition(":")[0]) for found in one.capabilities]
    assert told == ([] if named else [("warning", "OPENAI_BASE_URL is not used")])
