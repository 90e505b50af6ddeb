"""The settings file that a new home gets: every setting with its default, commented out."""

import json
from pathlib import Path
from typing import Any

from labcrew.domain.background import NotifySettings, QuietHours
from labcrew.domain.forge import ForgeSettings
from labcrew.settings import (
    BoardSettings,
    ModelSettings,
    MonitorSettings,
    SandboxSettings,
    Settings,
    TracingSettings,
)

_GROUPS = (
    "mcp",
    "models",
    "answering",
    "prices",
    "spending",
    "tracing",
    "sandbox",
    "monitor",
    "forge",
    "notify",
    "quiet_hours",
    "board",
)
_EXAMPLES = {
    "kind": "gitlab",
    "webhook": "https://chat.example.org/hooks/labcrew",
    "start": "22:00:00",
    "end": "07:00:00",
    "skills_folder": "/srv/lab/skills",
    "endpoint": "http://localhost:4318",
    "ledger_url": "postgresql+psycopg://me@localhost/labcrew",
    "tracking_uri": "http://localhost:5000",
    "base_url": "http://localhost:8000/v1",
    "model": "my-model",
    "options": {},
    "gguf": "/models/model.gguf",
    "temperature": 0.0,
    "context_tokens": 32768,
    "first_token_s": 60.0,
}
_HEAD = """\
# labcrew's settings for this home. A line takes effect when its leading '# ' is removed; each
# shows the default, or an example where the default is to have none.
# A variable wins over its line: LABCREW_LEASE_S over lease_s, LABCREW_MODELS__DEFAULT__MODEL over
# model in [models.default].
"""
_ANSWERING = """
# Which models answer what, the first asked first; the next one is asked where one fails. Names are
# those of [models.…] tables; "rule" may end a list. What is answered: an agent, one of its
# questions ("coordinator.plan", in quotes), or default. Where nothing is said here, a model that is
# named after an agent, or default, answers. `labcrew doctor --model` says what each can do.
#
# [answering]
# default = ["default", "rule"]
"""
_MODELS = """
# A chat model, any OpenAI-compatible endpoint, for every agent; [models.coordinator] and so on are
# for one agent alone, other names are for [answering]. Without any, rules judge, and nothing is
# asked of a model. Keep keys out of this file: LABCREW_MODELS__DEFAULT__API_KEY.
#
# OpenAI: model and OPENAI_API_KEY. A server of your own, or any other that speaks OpenAI's
# protocol: model and base_url. Azure: provider = "azure", model = the deployment's name, base_url =
# "https://<resource>.openai.azure.com". A file on this machine: gguf, and `pip install
# 'labcrew[local]'`.
#
# [models.default]
"""
_PRICES = """
# What a model's tokens cost, USD for a million, by the name of the model; without a price money
# can't be bounded, and tokens and seconds alone bound it.
#
# [prices.my-model]
# prompt = 2.5
# cached = 1.25
# completion = 10.0
#
# What one agent may use of models for one ticket, within the ticket's budget: tokens, money and
# seconds of waiting, any of them; a number alone is tokens.
#
# [spending]
# merge_request = {tokens = 1000000, usd = 2.5, seconds = 3600}
"""
_TRACING = """
# OpenTelemetry spans; needs `pip install 'labcrew[tracing]'`. See docs/tracing.md.
#
# [tracing]
"""
_SANDBOX = """
# Containers on the Docker engine.
#
# [sandbox]
"""
_MONITOR = """
# How runs are watched.
#
# [monitor]
"""
_BOARD = """
# The web page and the REST API that `labcrew board` serves.
#
# [board]
"""


_FORGE = """
# Where merge requests are opened beside the local ones; needs `pip install 'labcrew[forges]'` and a
# token in the environment. See docs/forges.md. Try it with: labcrew doctor.
#
# [forge]
"""
_NOTIFY = """
# Who is told when a person is needed; nothing is sent without webhook or mail_host. See
# docs/background.md.
#
# [notify]
"""
_QUIET = """
# When nothing new is begun and nobody is told; what was due then follows afterwards.
#
# [quiet_hours]
"""
_MCP = """
# A server of outside tools; docs/mcp.md. People approve each tool: labcrew mcp approve.
#
# [mcp.notes]
# command = ["python3", "/mcp/server.py"]
# folder = "/srv/lab/notes-server"
# agents = ["merge_request"]
# tools = ["find_notes"]
"""


def settings_text() -> str:
    """A labcrew.toml that changes nothing, in words."""
    lines = [_HEAD]
    for name, field in Settings.model_fields.items():
        if name not in _GROUPS:
            lines.append(_line(name, field.default, field.description))
    lines.append(_PRICES)
    for head, model in (
        (_TRACING, TracingSettings),
        (_SANDBOX, SandboxSettings),
        (_MONITOR, MonitorSettings),
        (_FORGE, ForgeSettings),
        (_NOTIFY, NotifySettings),
        (_QUIET, QuietHours),
        (_BOARD, BoardSettings),
    ):
        lines.append(head)
        for name, field in model.model_fields.items():
            lines.append(_line(name, field.default, field.description))
    lines += [_MCP, _ANSWERING, _MODELS]
    for name, field in ModelSettings.model_fields.items():
        if name != "api_key":
            default = field.get_default(call_default_factory=True)
            line = _line(name, default if default not in ("", {}) else None, field.description)
            # base_url and gguf do not go together, so one of them stays commented out.
            lines.append(f"# {line}" if name == "gguf" else line)
    return "".join(lines)


def write_settings(file: Path) -> bool:
    """Writes the file for its owner alone; False, and nothing touched, if one is there."""
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    file.write_text(settings_text(), encoding="utf-8")
    return True


def _line(name: str, default: Any, about: str | None) -> str:
    value = _EXAMPLES[name] if default is None else default
    return f"# {name} = {json.dumps(value)}{f'  # {about}' * bool(about)}\n"
