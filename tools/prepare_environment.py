"""Tool that installs a ticket's software environment, once for each content hash."""

from labcrew.domain.base import Model
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.network_log import note_requests
from tools.toolbox import Tool, Workbench
from tools.trial_spec import environment_plan


class PrepareEnvironment(Model):
    """Installs the environment that the plan showed."""

    key: str
    approved: bool


def _prepare(call: PrepareEnvironment, assigned: AssignedTicket, bench: Workbench) -> str:
    plan = environment_plan(bench.environments, assigned)
    if plan.key != call.key:
        raise ToolError(
            "the environment is not the one that the plan gate showed; it must be approved anew.",
            f"Run `labcrew ticket retry {assigned.id}`.",
        )
    try:
        return bench.environments.ensure(plan, approved=call.approved)
    finally:
        requests = bench.environments.requests(plan.key)
        note_requests(bench, assigned.id, f"environment-{plan.key[:16]}", requests)


prepare_environment = Tool("prepare_environment", PrepareEnvironment, _prepare)
