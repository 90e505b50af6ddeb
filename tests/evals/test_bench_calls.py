"""The figures of sandboxed calls: how they are judged, and that they are measured at all."""

from pathlib import Path

import pytest

from evals.bench.figures import Figure, this_machine
from evals.bench.peers import Comparison, Cost
from evals.bench.sandbox import in_fresh_process, per_second, plain, sandboxed, timed
from evals.bench.sandbox import tool_container as tool_container_for_bench


def test_a_bound_from_below() -> None:
    figure = Figure(name="f", value=9, unit="calls/s", bound=10, at_least=True, parts={})
    assert not figure.holds
    assert figure.model_copy(update={"value": 10.0}).holds
    assert figure.model_copy(update={"at_least": False}).holds


@pytest.mark.parametrize(
    ("call_ms", "parallel_per_s", "ahead"), [(3, 50, True), (1, 50, False), (3, 150, False)]
)
def test_ahead_means_in_both_figures(call_ms: float, parallel_per_s: float, ahead: bool) -> None:
    ours = Cost(version="this", call_ms=2, parallel_per_s=100)
    peer = Cost(version="1", call_ms=call_ms, parallel_per_s=parallel_per_s)
    costs = {"labcrew": ours, "peer": peer}
    assert Comparison(machine=this_machine(), rounds=1, costs=costs).ahead is ahead


def test_the_peers_figures_that_ship_name_their_versions() -> None:
    kept = Path(__file__).parents[2] / "evals" / "results" / "peers-calls.json"
    found = Comparison.model_validate_json(kept.read_text())
    assert found.ahead
    assert all(cost.version for cost in found.costs.values())


@pytest.mark.engine
def test_calls_are_measured() -> None:
    with tool_container_for_bench() as (sandboxes, name):
        assert timed(lambda: sandboxed(sandboxes, name)) > 0
        assert per_second(lambda: sandboxed(sandboxes, name), 32) > 0
    assert timed(plain) > 0


@pytest.mark.engine
def test_a_gibibyte_of_output_costs_the_host_little() -> None:
    flood = in_fresh_process()
    assert flood.grown_mib <= 64
