"""The picture in ARCHITECTURE.md is the machine's own, and no road leads around a gate."""

import os
import re
from pathlib import Path

import pytest
from langgraph.graph import END, START

from graphs.ticket import ROUTES, picture, ticket_graph

ARCHITECTURE = Path(__file__).parents[2] / "ARCHITECTURE.md"
_MARKED = re.compile(r"(<!-- ticket-machine -->\n)(.*?)(<!-- /?ticket-machine -->)", re.DOTALL)


def roads() -> dict[str, set[str]]:
    """Every step → where it can lead, by fixed edges and by routes."""
    graph = ticket_graph()
    found: dict[str, set[str]] = {name: set() for name in (START, END, *graph.nodes)}
    for start, end in graph.edges:
        found[start].add(end)
    for start, branches in graph.branches.items():
        for branch in branches.values():
            assert branch.ends is not None
            found[start] |= set(branch.ends.values())
    return found


def reachable(start: str, *, without: str) -> set[str]:
    """The steps that can be reached without passing one."""
    seen, ahead, graph = set[str](), [start], roads()
    while ahead:
        step = ahead.pop()
        if step not in seen and step != without:
            seen.add(step)
            ahead += graph[step]
    return seen


def test_the_picture_in_the_architecture_is_drawn_from_the_machine() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    drawn = f"```mermaid\n{picture().rstrip()}\n```\n"
    assert _MARKED.search(text), "ARCHITECTURE.md has no place for the picture"
    updated = _MARKED.sub(lambda found: found[1] + drawn + found[3], text)
    if os.environ.get("LABCREW_UPDATE") == "1":
        ARCHITECTURE.write_text(updated, encoding="utf-8")
    elif updated != text:
        pytest.fail("The machine has changed: LABCREW_UPDATE=1 pytest tests/graphs/test_picture.py")


@pytest.mark.parametrize(
    ("gate", "behind_it"),
    [
        ("gate_plan", {"prepare", "design_trials", "launch_trials", "open_merge_request"}),
        ("gate_merge", {"merge", "revise"}),
    ],
)
def test_no_road_leads_around_a_gate(gate: str, behind_it: set[str]) -> None:
    assert behind_it <= set(roads())
    assert not behind_it & reachable(START, without=gate)
    assert behind_it <= reachable(START, without="nothing")


def test_a_revision_is_planned_and_decided_anew() -> None:
    assert not {"launch_trials", "gate_merge"} & reachable("revise", without="gate_plan")


def test_everything_can_be_reached_and_can_end() -> None:
    steps = set(roads()) - {START, END}
    assert reachable(START, without="nothing") == steps | {START, END}
    assert all(END in reachable(step, without="nothing") for step in steps)
    assert set(ROUTES) <= steps
