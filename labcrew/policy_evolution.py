"""What the policy table asks of calls that are made for a loop of self-evolution."""

import re
from typing import Any

from labcrew.domain.evolution import CodeFile, Job, Round, code_hash
from labcrew.domain.evolution_spec import Case
from labcrew.evolution_file import may_edit, widened
from labcrew.policy_facts import Call

_SHA256 = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{40,64}")


def program(call: Call, value: Any) -> bool:
    """whole files, all of them editable, none of them what judges"""
    spec = widened(call.facts.evolution)
    paths = [CodeFile.model_validate(file).path for file in value]
    return bool(paths) and all(may_edit(spec, path) for path in paths)


def jobs(call: Call, value: Any) -> bool:
    """runs of a loop, each under a name of its own, of whatever cases and seeds"""
    aliases = [Job.model_validate(job).alias for job in value]
    return _in_a_loop(call) and len(set(aliases)) == len(aliases)


def cases(call: Call, value: Any) -> bool:
    """a loop's cases, each once, whatever they ask"""
    ids = [Case.model_validate(case).id for case in value]
    return _in_a_loop(call) and len(set(ids)) == len(ids)


def prepared_image(call: Call, value: Any) -> bool:
    """the image that was made for this loop"""
    return bool(value) and value == call.facts.evolution.image


def parallel_runs(call: Call, value: Any) -> bool:
    """as many runs at once as the budget lets be, or fewer"""
    return type(value) is int and 1 <= value <= call.facts.evolution.spec.budget.parallel


def raw_runs(call: Call, value: Any) -> bool:
    """raw outputs of a loop's runs, each under a name of its own, taken as data"""
    return jobs(call, [run["job"] for run in value])


def a_hash(call: Call, value: Any) -> bool:
    """a SHA-256, as a program's is"""
    return _in_a_loop(call) and _SHA256.fullmatch(value) is not None


def a_switch(call: Call, value: Any) -> bool:
    """true or false"""
    return _in_a_loop(call) and type(value) is bool


def a_commit(call: Call, value: Any) -> bool:
    """a commit's whole name, in the loop's own trusted copy"""
    return _in_a_loop(call) and _COMMIT.fullmatch(value) is not None


def own_round(call: Call, value: Any) -> bool:
    """a round of this loop, which changes editable files alone"""
    return _own(call, Round.model_validate(value))


def champion(call: Call, value: Any) -> bool:
    """the program that stands"""
    files = tuple(CodeFile.model_validate(file) for file in value)
    return code_hash(files) == code_hash(call.facts.evolution.champion)


def kept_rounds(call: Call, value: Any) -> bool:
    """rounds of this loop that were kept, the last of them the program that stands"""
    rounds = [Round.model_validate(each) for each in value]
    if not rounds or not all(_own(call, r) and r.verdict == "kept" for r in rounds):
        return False
    last = rounds[-1].proposal
    return last is not None and last.code == code_hash(call.facts.evolution.champion)


def shown_target(call: Call, value: Any) -> bool:
    """the branch that the merge gate showed"""
    return value is not None and value == call.facts.evolution.target_branch == _shown(
        call, "target"
    )


def shown_commit(call: Call, value: Any) -> bool:
    """the commit that the merge gate showed"""
    return value is not None and value == _shown(call, "commit")


def _in_a_loop(call: Call) -> bool:
    """Of a ticket or a draft it raises, which is no fit."""
    return bool(call.facts.evolution.id)


def _shown(call: Call, name: str) -> Any:
    approved = call.facts.approval("merge")
    return None if approved is None else approved.shown.get(name)


def _own(call: Call, round_: Round) -> bool:
    evolution = call.facts.evolution
    proposal = round_.proposal
    if round_.ticket != evolution.id or proposal is None:
        return False
    spec = widened(evolution)
    return all(may_edit(spec, file.path) for file in proposal.files)
