"""What goes wrong on the way: failing programs and steps, people and workers that cross."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from graphs.worker import Worker
from labcrew.domain.experiment import Trial
from labcrew.errors import LabcrewError, LeaseLost, NotFound, OutcomeUnknown, ToolError
from labcrew.settings import Settings
from tests.doubles.faulty import Around, ForgetfulMemory
from tests.graphs.tiny import DATA, REPORTED, Lab, run
from tools.trial_spec import trial_container

pytestmark = pytest.mark.engine
_SHORT: dict[str, Any] = REPORTED | {
    "seeds": [0],
    "budget": {"trials": 2},
    "search_space": {"x": {"type": "float", "low": 0.6, "high": 1}},
}


def worker(lab: Lab, *, yes: bool = True, tick_s: float = 0.2, **adapters: Any) -> Worker:
    """A worker whose workbench has some other adapters."""
    bench = replace(lab.parts.bench, **adapters)
    settings = Settings(tick_s=tick_s)
    return Worker(lab.parts.work.crew, bench, settings, holder="other", assume_yes=yes)


def go(worker: Worker, id: str) -> Any:
    async def on() -> Any:
        async with worker as ready:
            return await ready.advance(id)

    return asyncio.run(on())


@pytest.mark.parametrize(
    ("variant", "kind", "said"),
    [
        ("crash", "crashed", "no such layer: attention"),
        ("silent", "no_metric", "shows no 'score'"),
        ("memory", "out_of_memory", "out of memory"),
        ("stall", "stalled", "no line of output for 2 s"),
    ],
)
def test_a_program_that_gives_no_score_asks_a_person(
    lab: Lab, variant: str, kind: str, said: str
) -> None:
    command = f"python3 train.py --variant {variant} {{settings}} --seed {{seed}}"
    changes = _SHORT | {"budget": {"trials": 4}}
    assigned = lab.assign(**changes, run={"command": command, "stall_s": 2})
    failed = run(lab, assigned.id)  # --yes takes an escalation's safe default
    assert failed.status == "failed"
    assert said in failed.outcome
    incidents = lab.ledger.incidents.of(assigned.id)
    assert {incident.kind for incident in incidents} == {kind}
    assert all(incident.intervention is not None for incident in incidents)
    assert lab.containers() == set()
    # A person frees what was missing and tries again.
    lab.office.retry(assigned.id, "ada")
    run(lab, assigned.id)
    trials = lab.ledger.trials.of(assigned.id)
    more = [t for t in trials if t.kind == "baseline" and not t.restarts]
    assert len(more) == 2


def test_why_a_run_was_stopped_is_known_after_the_engine_was_lost_in_mid_stop(lab: Lab) -> None:
    command = "python3 train.py --variant stall {settings} --seed {seed}"
    assigned = lab.assign(**_SHORT, run={"command": command, "stall_s": 1})

    def stop(name: str) -> None:
        lab.parts.bench.sandboxes.stop(name, 0)
        raise OutcomeUnknown("the engine was lost")

    with pytest.raises(OutcomeUnknown):
        go(worker(lab, sandboxes=Around(lab.parts.bench.sandboxes, stop=stop)), assigned.id)
    assert lab.ledger.trials.get(f"{assigned.id}-000").status == "running"
    run(lab, assigned.id)
    first, again = lab.ledger.incidents.of(assigned.id)
    assert (first.kind, first.trial) == ("stalled", f"{assigned.id}-000")
    # What hangs may hang by chance: it is started again once.
    assert (again.kind, again.trial) == ("stalled", f"{assigned.id}-001")
    assert first.intervention is not None
    assert again.intervention is not None
    assert (first.intervention.helped, again.intervention.action) == (False, "give_up")
    assert lab.ledger.effects.pending(assigned.id) == []


def test_a_run_that_diverges_is_stopped_and_started_smaller(lab: Lab) -> None:
    space = {"x": {"type": "float", "low": 0.06, "high": 1, "role": "learning_rate"}}
    changes = _SHORT | {"search_space": space, "budget": {"trials": 8, "parallel": 2}}
    assigned = lab.assign(variant="diverge", **changes)
    run(lab, assigned.id)
    incidents = lab.ledger.incidents.of(assigned.id)
    assert {incident.kind for incident in incidents} == {"not_finite"}
    restarted = [i for i in incidents if i.intervention and i.intervention.new_trial]
    assert restarted
    first = restarted[0].intervention
    assert first is not None
    assert first.helped
    trials = {t.id: t for t in lab.ledger.trials.of(assigned.id)}
    smaller, was = trials[first.new_trial], trials[restarted[0].trial]
    assert smaller.values["x"] == pytest.approx(float(was.values["x"]) / 10, rel=1e-4)
    assert was.status == "stopped"
    assert smaller.status == "scored"


def test_a_metric_that_only_some_seeds_show(lab: Lab) -> None:
    changes = _SHORT | {"seeds": [0, 1], "budget": {"trials": 4}}
    assigned = lab.assign(variant="sometimes", **changes)
    done = run(lab, assigned.id)
    statuses = {(t.kind, t.seed): t.status for t in lab.ledger.trials.of(assigned.id)}
    assert statuses["baseline", 0] == "scored"
    assert statuses["baseline", 1] == "failed"
    # With a seed missing nothing is good enough for a merge request.
    assert lab.ledger.merge_requests.of(assigned.id) == []
    assert done.status == "done"


def test_near_repeats_of_a_recorded_failure_are_cited_not_run(lab: Lab) -> None:
    space = {"x": {"type": "choice", "choices": [0.5, 0.95, 0.9, 0.85]}}
    changes = _SHORT | {"search_space": space, "budget": {"trials": 5, "parallel": 1}}
    first = lab.assign(variant="crash-above", **changes)
    run(lab, first.id)
    failed = {t.values["x"] for t in lab.ledger.trials.of(first.id) if t.status == "failed"}
    assert failed
    lab.user.git("branch", "-f", "main", first.base_commit)
    second = lab.assign(variant="crash-above", **(changes | {"title": "A better x, once more"}))
    run(lab, second.id)
    plan = lab.ledger.plans.of(second.id)[0]
    assert any("A better x" in lesson for lesson in plan.recalled)
    trials = lab.ledger.trials.of(second.id)
    skipped = [t for t in trials if t.status == "skipped"]
    assert skipped
    assert any(t.cites.startswith(first.id) for t in skipped)
    assert not failed & {t.values.get("x") for t in trials if t.status != "skipped"}


@pytest.mark.parametrize("order", [("literature", "data"), ("data", "literature")])
def test_both_side_by_side_agents_wait_and_each_is_decided_by_its_own_id(
    lab: Lab, order: tuple[str, str], tmp_path: Any
) -> None:
    outside = tmp_path / "train.csv"
    outside.write_text("a,y\n" + "".join(f"{n},{2 * n}\n" for n in range(12)))
    item = {"path": str(outside), "split": "train", "label": "y"}
    assigned = lab.assign(**_SHORT, data=[item])
    outside.unlink()
    memory = ForgetfulMemory(lab.parts.bench.memory)
    crossed = worker(lab, yes=False, memory=memory)

    waiting = go(crossed, assigned.id)
    gates = {
        "literature": f"{assigned.id}-escalation-r0.0-literature_review",
        "data": f"{assigned.id}-escalation-r0.0-data_pipeline",
    }
    assert {gate.id for gate in lab.office.inbox()} == set(gates.values())
    assert all(id in waiting.outcome for id in gates.values())

    outside.write_text("a,y\n" + "".join(f"{n},{2 * n}\n" for n in range(12)))
    memory.out = False
    lab.office.decide(gates[order[0]], "accept", "ada")
    waiting = go(worker(lab, yes=False, memory=memory), assigned.id)
    assert [gate.id for gate in lab.office.inbox()] == [gates[order[1]]]
    assert lab.ledger.plans.of(assigned.id) == []
    lab.office.decide(gates[order[1]], "accept" if order[1] == "data" else "ignore", "ada")
    go(worker(lab, yes=False, memory=memory), assigned.id)
    assert [gate.kind for gate in lab.office.inbox()] == ["plan"]
    assert len(lab.ledger.plans.of(assigned.id)) == 1
    assert [card.rows for card in lab.ledger.datasets.of(assigned.id)] == [12]
    assert len(lab.ledger.briefs.of(assigned.id)) == (order[1] == "data")


def test_a_step_that_fails_says_so_and_a_retry_goes_on(lab: Lab) -> None:
    def no_disk(*_: Any, **__: Any) -> str:
        raise ToolError("the package index is closed for today.")

    assigned = lab.assign(**_SHORT)
    environments = Around(lab.parts.bench.environments, ensure=no_disk)
    failed = go(worker(lab, environments=environments), assigned.id)
    assert failed.status == "failed"
    assert failed.outcome == "failed: the package index is closed for today."
    told = [e for e in lab.ledger.events.of(assigned.id) if e.kind == "agent.failed"]
    assert [e.data["action"] for e in told] == ["restart", "escalate"]
    assert lab.kinds(assigned.id).count("ticket.failed") == 1
    lab.office.retry(assigned.id, "ada")
    assert run(lab, assigned.id).outcome.startswith("merged")
    assert lab.kinds(assigned.id).count("plan.written") == 1


def test_a_tool_that_fails_once_is_restarted_and_nobody_is_asked(lab: Lab) -> None:
    box: Any = lab.parts.bench.sandboxes
    calls: list[str] = []

    def fails_once(call: Any) -> None:
        calls.append(call.name)
        if len(calls) == 1:
            raise ToolError("a passing trouble")
        box.start(call)

    assigned = lab.assign(**_SHORT)
    done = go(worker(lab, sandboxes=Around(box, start=fails_once)), assigned.id)
    assert done.outcome.startswith("merged")
    assert lab.kinds(assigned.id).count("agent.failed") == 1
    assert lab.kinds(assigned.id).count("trial.started") == 2


def test_a_fault_of_labcrews_own_stops_the_ticket_with_its_trace(lab: Lab) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise ZeroDivisionError("a bug")

    assigned = lab.assign(**_SHORT)
    sandboxes = Around(lab.parts.bench.sandboxes, collect=broken)
    failed = go(worker(lab, sandboxes=sandboxes), assigned.id)
    assert failed.status == "failed"
    assert "ZeroDivisionError: a bug" in failed.outcome
    (error,) = [e for e in lab.ledger.events.of(assigned.id) if e.kind == "worker.error"]
    assert "in broken" in error.data["traceback"]
    assert lab.kinds(assigned.id).count("ticket.failed") == 1
    lab.office.retry(assigned.id, "ada")
    assert run(lab, assigned.id).outcome.startswith("merged")
    starts = [e for e in lab.ledger.events.of(assigned.id) if e.kind == "trial.started"]
    assert len(starts) == 2


def test_a_tracker_that_is_down_costs_its_record_and_not_the_trial(lab: Lab) -> None:
    def down(*_: Any, **__: Any) -> str:
        raise ConnectionError("nobody listens")

    assigned = lab.assign(**_SHORT)
    done = go(worker(lab, yes=True, tracker=Around(None, record=down)), assigned.id)
    assert done.outcome.startswith("merged")
    assert [t.tracker_run for t in lab.ledger.trials.of(assigned.id)] == ["", ""]
    told = [e for e in lab.ledger.events.of(assigned.id) if e.kind == "tracking.failed"]
    assert len(told) == 2
    assert "nobody listens" in told[0].data["because"]


def test_a_run_that_something_else_ended_is_unknown_and_run_again(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    box: Any = lab.parts.bench.sandboxes
    ended: list[str] = []

    def killed_once(call: Any) -> None:
        if ended:
            box.start(call)
            return
        ended.append(call.name)
        # One that would not be done before it is killed, however slow this machine is.
        box.start(call.model_copy(update={"command": ("sleep", "600")}))
        box.client.kill(box.container_name(call.name))

    done = go(worker(lab, yes=True, sandboxes=Around(box, start=killed_once)), assigned.id)
    assert done.outcome.startswith("merged")
    lost, *others = lab.ledger.trials.of(assigned.id)
    assert lost.status == "unknown"
    again = next(t for t in others if t.restarts == lost.id)
    assert (again.kind, again.values, again.status) == (lost.kind, lost.values, "scored")


def test_a_program_that_ends_as_if_it_was_killed_is_run_again_once(lab: Lab) -> None:
    command = "python3 -c 'import sys; sys.exit(-1)' {settings} {seed}"
    assigned = lab.assign(**_SHORT, run={"command": command})
    failed = run(lab, assigned.id)
    assert failed.status == "failed"
    assert "exit code 255" in failed.outcome
    first, again = lab.ledger.trials.of(assigned.id)
    assert (first.status, again.status, again.restarts) == ("unknown", "failed", first.id)
    kinds = [incident.kind for incident in lab.ledger.incidents.of(assigned.id)]
    assert kinds == ["engine_lost", "crashed"]


def test_an_environment_image_that_somebody_removed_is_made_again(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    made: list[str] = []
    environments: Any = lab.parts.bench.environments

    def gone(image: str) -> str:
        raise NotFound(f"no image {image}")

    def noting(plan: Any, *, approved: bool) -> str:
        made.append(plan.key)
        return str(environments.ensure(plan, approved=approved))

    def pausing(call: Any) -> None:
        lab.office.pause(assigned.id, "ada")
        lab.parts.bench.sandboxes.start(call)

    go(worker(lab, sandboxes=Around(lab.parts.bench.sandboxes, start=pausing)), assigned.id)
    lab.office.resume(assigned.id, "ada")
    digests = iter([gone])
    real: Any = lab.parts.bench.sandboxes

    def first_gone(image: str) -> str:
        return next(digests, real.image_digest)(image)

    done = go(
        worker(
            lab,
            yes=True,
            sandboxes=Around(real, image_digest=first_gone),
            environments=Around(environments, ensure=noting),
        ),
        assigned.id,
    )
    assert done.outcome.startswith("merged")
    assert len(made) == 1


def test_paused_between_steps_it_rests_and_goes_on_from_there(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)

    def pausing(call: Any) -> None:
        lab.office.pause(assigned.id, "ada")
        lab.parts.bench.sandboxes.start(call)

    paused = go(
        worker(lab, sandboxes=Around(lab.parts.bench.sandboxes, start=pausing)), assigned.id
    )
    assert (paused.status, paused.outcome) == ("paused", "pause by ada")
    (trial,) = lab.ledger.trials.of(assigned.id)
    assert trial.status == "running"  # what runs goes on; nothing new is begun
    assert run(lab, assigned.id).status == "paused"
    lab.office.resume(assigned.id, "ada")
    assert run(lab, assigned.id).outcome.startswith("merged")
    assert lab.kinds(assigned.id).count("trial.started") == 2


def test_paused_while_two_agents_work_side_by_side_both_end_in_peace(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT, data=DATA[:1])
    memory = lab.parts.bench.memory

    def pausing(*given: Any, **more: Any) -> Any:
        lab.office.pause(assigned.id, "ada")
        return memory.recall(*given, **more)

    paused = go(worker(lab, memory=Around(memory, recall=pausing)), assigned.id)
    assert paused.status == "paused"
    assert len(lab.ledger.datasets.of(assigned.id)) == 1
    assert len(lab.ledger.briefs.of(assigned.id)) == 1
    assert lab.ledger.plans.of(assigned.id) == []
    lab.office.resume(assigned.id, "ada")
    assert run(lab, assigned.id).outcome.startswith("merged")
    assert lab.kinds(assigned.id).count("data.profiled") == 1


def test_stopped_while_a_step_writes_it_stays_stopped(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)

    def stopping(*given: Any, **more: Any) -> Any:
        lab.office.stop(assigned.id, "ada")
        raise ToolError("and then it failed, too")

    stopped = go(
        worker(lab, environments=Around(lab.parts.bench.environments, ensure=stopping)), assigned.id
    )
    assert (stopped.status, stopped.outcome) == ("stopped", "stop by ada")
    lab.office.retry(assigned.id, "ada")
    assert run(lab, assigned.id).outcome.startswith("merged")


_STALLING: dict[str, Any] = _SHORT | {
    "run": {"command": "python3 train.py --variant stall {settings} --seed {seed}"}
}


def runs_on(lab: Lab, ticket: str) -> bool:
    """Whether a run of the ticket still goes on."""
    return any(
        lab.parts.bench.sandboxes.status(trial_container(trial.id)).state == "running"
        for trial in lab.ledger.trials.of(ticket)
    )


def test_a_run_that_began_while_its_ticket_was_stopped_ends_with_it(lab: Lab) -> None:
    assigned = lab.assign(**_STALLING)

    def stopping(call: Any) -> None:
        lab.office.stop(assigned.id, "ada")
        lab.parts.bench.sandboxes.start(call)

    stopped = go(
        worker(lab, sandboxes=Around(lab.parts.bench.sandboxes, start=stopping)), assigned.id
    )
    assert (stopped.status, stopped.outcome) == ("stopped", "stop by ada")
    assert len(lab.ledger.trials.of(assigned.id)) == 1
    assert not runs_on(lab, assigned.id)


def test_a_run_whose_ticket_was_stopped_while_nobody_worked_ends_when_a_worker_comes_in(
    lab: Lab,
) -> None:
    assigned = lab.assign(**_STALLING)

    def pausing(call: Any) -> None:
        lab.office.pause(assigned.id, "ada")
        lab.parts.bench.sandboxes.start(call)

    go(worker(lab, sandboxes=Around(lab.parts.bench.sandboxes, start=pausing)), assigned.id)
    assert runs_on(lab, assigned.id)
    lab.office.stop(assigned.id, "ada")  # as from a machine whose engine was away

    async def come_in() -> None:
        async with worker(lab):
            assert not runs_on(lab, assigned.id)

    asyncio.run(come_in())


async def test_a_second_worker_fences_the_first_and_nothing_happens_twice(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop, started = asyncio.get_running_loop(), list[str]()

    def slow(spec: Any) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        started.append(spec.name)
        lab.parts.bench.sandboxes.start(spec)

    first = worker(lab, sandboxes=Around(lab.parts.bench.sandboxes, start=slow))
    async with first:
        running = asyncio.create_task(first.advance(assigned.id))
        await begun.wait()
        held = lab.ledger.lease_of(assigned.id)
        with pytest.raises(LabcrewError, match="being worked on already"):
            await first.advance(assigned.id)
        async with worker(lab) as second:
            taking_over = asyncio.create_task(second.advance(assigned.id))
            while (lab.ledger.lease_of(assigned.id) or held) == held:
                await asyncio.sleep(0.01)
            go_on.set()
            with pytest.raises(LeaseLost):
                await running
            done = await taking_over
    assert done.outcome.startswith("merged"), done.outcome
    assert lab.kinds(assigned.id).count("trial.started") == 2
    assert lab.ledger.verify() == []


async def test_cancelled_it_finishes_the_effect_in_hand_and_leaves_no_task(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT)
    begun, ended = asyncio.Event(), list[Trial | str]()
    loop = asyncio.get_running_loop()

    def slow(spec: Any) -> None:
        loop.call_soon_threadsafe(begun.set)
        lab.parts.bench.sandboxes.start(spec)
        ended.append(spec.name)

    async with worker(lab, sandboxes=Around(lab.parts.bench.sandboxes, start=slow)) as first:
        running = asyncio.create_task(first.advance(assigned.id))
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(ended) == 1
        assert lab.ledger.lease_of(assigned.id) is None
        others = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
        assert not [task for task in others if "advance" in repr(task) or "_move" in repr(task)]
    async with worker(lab) as second:
        assert (await second.advance(assigned.id)).outcome.startswith("merged")
    assert lab.kinds(assigned.id).count("trial.started") == 2


def test_containers_that_nobody_waits_for_are_removed_when_a_worker_starts(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT, data=DATA)
    run(lab, assigned.id, yes=False)
    box = lab.parts.bench.sandboxes
    from tests.graphs.specs import sleeper

    box.start(sleeper(lab, "t-009-000-trial"))
    assert lab.containers()
    run(lab, assigned.id, yes=False)
    assert lab.containers() == set()
