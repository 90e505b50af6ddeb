"""What a ticket teaches the next one is no more than what was measured."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime
from pydantic import TypeAdapter

from agents.reading.naming import Wording
from agents.reading.reported import reported
from graphs.nodes.closing import reflect
from graphs.work import Work
from labcrew.domain.review import MergeRequest, Verdict
from labcrew.domain.search_space import Parameter
from tests.doubles.bench import make_bench
from tests.tickets import SPACE, make_assigned, make_trial

PARAMETERS = TypeAdapter(dict[str, Parameter]).validate_python(SPACE)


def request(verdict: Verdict) -> MergeRequest:
    return MergeRequest(
        id="T-0001-MR0", ticket="T-0001", revision=0, title="t", branch="b", target=None,
        base_commit="b" * 40, commit="c" * 40, template="", description="", evidence=(),
        gain=None, verdict=verdict,
    )  # fmt: skip


async def lesson_of(folder: Path, verdict: Verdict, source: str) -> str:
    bench = make_bench(folder)
    crew: Any = None
    trials = [make_trial(0, 0.7, kind="baseline", values={}), make_trial(1, 0.9)]
    with bench.ledger as ledger:
        ledger.tickets.put(make_assigned(seeds=[0]), actor="person:ada")
        for trial in trials:
            assert trial.score is not None
            score = trial.score.model_copy(update={"source": source})
            ledger.trials.put(trial.model_copy(update={"score": score}), actor="log_monitor")
        ledger.merge_requests.put(request(verdict), actor="merge_request")
        state: Any = {"ticket": "T-0001", "outcome": "closed"}
        await reflect(state, Runtime(context=Work(bench=bench, crew=crew, rules=crew)))
        return ledger.lessons.of("T-0001")[1].text


async def test_a_reported_number_is_called_so(tmp_path: Path) -> None:
    text = await lesson_of(tmp_path, "unmeasured", "reported")
    assert "0.9 as the runs report it over 1 seed; it was measured there alone." in text


async def test_a_score_without_one_before_is_not_called_borne_out(tmp_path: Path) -> None:
    text = await lesson_of(tmp_path, "no_score_before", "evaluator")
    assert "0.9 over 1 seed; the program as it was gave none to hold it against." in text


@pytest.mark.parametrize(("verdict", "tried"), [("improves", True), ("no_gain", False)])
async def test_what_the_holdout_did_not_bear_out_is_not_suggested_again(
    tmp_path: Path, verdict: Verdict, tried: bool
) -> None:
    text = await lesson_of(tmp_path, verdict, "evaluator")
    assert "as the runs report" not in text
    assert bool(reported(text, PARAMETERS, Wording(PARAMETERS)).values) is tried
