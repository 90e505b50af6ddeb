"""The picture in ARCHITECTURE.md is the machine's own, and no road leads around a gate."""

import os
import re
from pathlib import Path

import pytest
from langgraph.graph import END, START

from graphs.evolution import machine
from graphs.ticket import ROUTES, picture, ticket_graph

ARCHITECTURE = Path(__file__).parents[2] / "ARCHITECTURE.md"
PICTURES = {"ticket-machine": picture, "evolution-machine": machine.picture}


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


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_in_the_architecture_are_drawn_from_the_machines(name: str) -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    drawn = f"```mermaid\n{PICTURES[name]().rstrip()}\n```\n"
    marked = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /?{name} -->)", re.DOTALL)
    assert marked.search(text), "ARCHITECTURE.md has no place for the picture"
    updated = marked.sub(lambda found: found[1] + drawn + found[3], text)
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


def test_a_loop_is_taken_up_at_no_step_that_a_gate_leads_to_alone() -> None:
    """Where a loop stands is read off the ledger: never at the merge, which its gate decides."""
    graph = machine.evolution_graph()
    (branch,) = graph.branches["take_up"].values()
    assert branch.ends is not None
    assert "merge" not in branch.ends.values()
    into = {s for s, targets in machine.ROUTES.items() if "merge" in targets}
    assert into == {"gate_merge"}
