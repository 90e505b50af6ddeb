"""What the policy table asks of the arguments of runs and of their scores."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from labcrew.domain.programming import Patch
from labcrew.domain.search_space import legal
from labcrew.domain.ticket import SUFFIXES
from labcrew.policy_changes import own_change, own_smoke_test
from labcrew.policy_facts import Call
from labcrew.policy_plain import CHECKSUM
from labcrew.policy_preparing import training_file


def settings_file(call: Call, value: Any) -> bool:
    """the ticket's settings file"""
    return value is not None and value == call.facts.assigned.ticket.settings.file


def in_the_search_space(call: Call, value: Any) -> bool:
    """parameters of the search space, each within its range"""
    space = call.facts.assigned.ticket.search_space
    return all(name in space and legal(space[name], v) for name, v in value.items())


def values_of_a_run(call: Call, value: Any) -> bool:
    """parameters of the search space, each within its range, and a seed where the ticket names keys
    for it
    """
    seeds = {n: v for n, v in value.items() if n in call.facts.assigned.ticket.settings.seeds}
    others = {n: v for n, v in value.items() if n not in seeds}
    return in_the_search_space(call, others) and all(seed(call, v) for v in seeds.values())


def style_of_the_settings(call: Call, value: Any) -> bool:
    """source where the ticket sets literals of its code, else file"""
    own = call.facts.assigned.ticket.settings.style
    return bool((value or "file") == ("source" if own == "source" else "file"))


def own_planned_trial(call: Call, value: Any) -> bool:
    """a trial as the ledger has it: planned, of this ticket, within the memory that was allowed"""
    known = call.facts.trial(value["id"])
    budget = call.facts.assigned.budget
    return (
        known is not None
        and known.ticket == call.facts.assigned.id
        and known.status == "planned"
        and known.model_dump(mode="json") == value
        and known.memory_mb <= max(budget.memory_mb, budget.memory_limit_mb or 0)
        and (
            not known.rescue.checkpoint
            or own_trial(call, known.rescue.checkpoint_of or known.restarts)
        )
        and in_the_search_space(call, value["values"])
    )


def cleaned_copies(call: Call, value: Any) -> bool:
    """cleaned copies among this ticket's artefacts, each for a training file of the ticket"""
    place = call.facts.artefacts / "data"
    for path, copy in value.items():
        folder, name = Path(copy).parent, Path(copy).name
        fits = folder.parent == place and CHECKSUM.fullmatch(folder.name)
        if not fits or name != PurePosixPath(path).name or not training_file(call, path):
            return False
    return True


def settings_overlay(call: Call, value: Any) -> bool:
    """nothing, the ticket's settings file where parameters are set in it, or this revision's patch
    for a trial of it
    """
    settings, patch = call.facts.assigned.ticket.settings, call.facts.patch
    if code := call.arguments.get("trial", {}).get("code"):
        return patch is not None and code == patch.code and _is_the_patch(value, patch)
    return not value or (
        settings.style in SUFFIXES and [file["path"] for file in value] == [settings.file]
    )


def _is_the_patch(files: Any, patch: Patch) -> bool:
    return list(files) == [file.model_dump(mode="json") for file in patch.files]


def hosts_shown(call: Call, value: Any) -> bool:
    """none, or hosts that the plan gate showed, while no untrusted text was read"""
    if not value:
        return True
    approval = call.facts.approval("plan")
    shown = approval.shown["plan"].get("hosts", ()) if approval is not None else ()
    return set(value) <= set(shown) and not call.facts.tainted


def own_trial(call: Call, value: Any) -> bool:
    """a trial of this ticket"""
    return re.fullmatch(re.escape(call.facts.assigned.id) + r"-\d{3,9}", value) is not None


def step_or_nothing(call: Call, value: Any) -> bool:
    """a step of a run, or nothing"""
    return value is None or (type(value) is int and value >= 0)


def own_run(call: Call, value: Any) -> bool:
    """a trial of this ticket, or its merge request's smoke test"""
    return own_trial(call, value) or own_smoke_test(call, value)


def outputs_of_the_subject(call: Call, value: Any) -> bool:
    """the folder of that run's collected outputs"""
    return str(value) == str(call.facts.outputs / call.arguments["subject"])


def validation(call: Call, value: Any) -> bool:
    """validation"""
    return bool(value == "validation")


def holdout(call: Call, value: Any) -> bool:
    """holdout"""
    return bool(value == "holdout")


def seed(call: Call, value: Any) -> bool:
    """a seed of the ticket"""
    ticket = call.facts.assigned.ticket
    return type(value) is int and value in (*ticket.seeds, *ticket.holdout_seeds)


def base_commit(call: Call, value: Any) -> bool:
    """the base commit"""
    return bool(value == call.facts.assigned.base_commit)


def commit_of_the_run(call: Call, value: Any) -> bool:
    """the base commit; for a smoke test the change's"""
    if own_smoke_test(call, call.arguments["subject"]):
        return own_change(call, value)
    return base_commit(call, value)


def judge_container(call: Call, value: Any) -> bool:
    """a container named after the run and the split"""
    subject, split = call.arguments["subject"], call.arguments["split"]
    return value in {f"{subject}-{split}".lower(), f"{subject}-score".lower()}


def tracked_run(call: Call, value: Any) -> bool:
    """a trial of this ticket with the settings that the ledger has"""
    trial, assigned = value["trial"], call.facts.assigned
    known = call.facts.trial(trial["id"])
    return (
        known is not None
        and known.ticket == trial["ticket"] == assigned.id
        and known.values == trial["values"]
        and value["title"] == assigned.ticket.title
    )
