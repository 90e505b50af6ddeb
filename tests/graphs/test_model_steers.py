"""A ticket on the real engine whose model chooses settings and names what a run died of."""

import asyncio
from typing import Any

import pytest

from agents.experiment_launcher import SAMPLED
from desk.models import build_judge
from desk.replay import replay
from evals.endpoint import Reply, Says, endpoint
from graphs.crew import Crew
from graphs.worker import Worker
from labcrew.settings import ModelSettings
from tests.doubles.embedder import WordEmbedder
from tests.graphs.tiny import REPORTED, Lab

SPACE = {"x": {"type": "float", "low": 0, "high": 1, "role": "learning_rate"}}


def answers(body: dict[str, Any]) -> Reply:
    """Settings that crash, and a diagnosis that calls for a lower rate."""
    asked = body["response_format"]["json_schema"]["name"]
    if asked == "NextTrialAnswer":
        return Says({"values": {"x": 0.95}, "because": "larger was better so far"})
    if asked == "DiagnosisAnswer":
        line = "no such layer: attention"
        return Says({"kind": "not_finite", "quotes": [line], "because": "its weights are gone"})
    return Says({"nothing": True})


@pytest.mark.engine
async def test_a_models_settings_are_run_and_its_diagnosis_is_acted_on(lab: Lab) -> None:
    with endpoint(answers=answers) as served:
        model = ModelSettings(model="big", base_url=served.base_url, retries=0, stream=False)
        models = {"experiment_launcher": model, "log_monitor": model}
        settings = lab.office.settings.model_copy(update={"models": models})
        crew = Crew.of(build_judge(settings), WordEmbedder())
        worker = Worker(crew, lab.parts.bench, settings, holder="test", assume_yes=True)
        assigned = lab.assign(
            **REPORTED | {"seeds": [0], "search_space": SPACE},
            variant="crash-above",
            literature={"library": None, "online": False},
            budget={"trials": 5, "parallel": 1},
        )
        async with worker:
            done = await worker.advance(assigned.id)
    assert done.status == "done", done.outcome
    trials = lab.ledger.trials.of(assigned.id)
    assert [t.because for t in trials if t.kind == "search"][:2] == [
        SAMPLED, "model:big: larger was better so far",
    ]  # fmt: skip
    (crashed,) = [t for t in trials if t.values == {"x": 0.95}]
    assert crashed.status == "failed"
    (incident,) = [i for i in lab.ledger.incidents.of(assigned.id) if i.trial == crashed.id]
    assert incident.kind == "not_finite"
    assert incident.evidence == ("no such layer: attention",)
    assert incident.diagnosis.endswith("model:big: its weights are gone")
    assert incident.intervention is not None
    assert (incident.intervention.action, incident.intervention.by) == (
        "restart_lower_rate", "rule",
    )  # fmt: skip
    again = await asyncio.to_thread(replay, lab.office.home, lab.ledger, assigned.id)
    assert (again.difference, again.left_out) == (None, ())
    assert lab.ledger.verify() == []
