"""A new proposer is one file and one line: the example of the documentation, put in."""

import asyncio
import re
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from agents.evolution import programs, proposers, proposing, syntax
from agents.evolution.screening import screen
from labcrew.domain import evolution
from labcrew.domain.chat import ChatModel
from tests.agents.evolution.situations import files, situation

PAGE = Path(__file__).parents[3] / "docs" / "evolution-proposers.md"
TEXT = "x = 1\ny = 2"


def test_the_example_of_the_documentation_proposes(monkeypatch: pytest.MonkeyPatch) -> None:
    code = next(
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
        if "def make" in block
    )
    module = ModuleType("backwards")
    names = module.__dict__
    for source in (programs, proposing, syntax, evolution):
        names.update({k: v for k, v in vars(source).items() if not k.startswith("__")})
    names |= {"Random": Random, "ChatModel": ChatModel}
    exec(compile(code, "backwards.py", "exec"), names)
    monkeypatch.setitem(sys.modules, "agents.evolution.proposers.backwards", module)
    monkeypatch.setattr(proposers, "PROPOSERS", (*proposers.PROPOSERS, "backwards"))
    now = situation(files(TEXT))
    [made] = [p for p in proposers.proposers() if p.name == "backwards"]
    assert made.can(now)
    proposal = asyncio.run(made.propose(now, Random(0)))
    assert proposal is not None
    assert proposal.files[0].text == "y = 2\nx = 1"
    assert screen(now.spec, now, proposal) == ""


def test_the_page_names_every_proposer_and_component_kind() -> None:
    page = PAGE.read_text()
    assert all(f"| `{name}` |" in page for name in proposers.PROPOSERS)
