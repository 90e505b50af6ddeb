"""Tool that tries one environment for a draft: an install that fails is an answer, no error."""

import time

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.draft import Draft, InstallTry, Trouble
from labcrew.domain.running import Environment
from labcrew.domain.survey import Place
from labcrew.errors import EnvironmentBroken, GateRequired
from tools.install_failures import install_trouble
from tools.network_log import note_requests
from tools.toolbox import Tool, Workbench

DOCKERFILE_ANSWER = "environment.dockerfile"
"""The answer of a draft that lets its repository's Dockerfile be built: true."""
_LOG = 8000


class InstallEnvironment(Model):
    """Installs an environment, or says why it can't be."""

    number: int = Field(ge=0, description="of the try, from 0")
    environment: Environment
    because: str = Field(description="where it comes from, or what was changed and why")
    variables: dict[str, str] = Field(
        default_factory=dict, description="what runs need set, kept beside the image"
    )


def _install(call: InstallEnvironment, draft: Draft, bench: Workbench) -> InstallTry:
    begun = time.monotonic()
    image, trouble, log = "", None, ""
    approved = bool(call.environment.dockerfile) and draft.answers.get(DOCKERFILE_ANSWER) is True
    try:
        plan = bench.environments.plan(call.environment, draft.id, draft.base_commit)
        try:
            image = bench.environments.ensure(plan, approved=approved)
        finally:
            requests = bench.environments.requests(plan.key)
            note_requests(bench, draft.id, f"environment-{plan.key[:16]}", requests)
    except GateRequired as error:
        trouble = _needs_a_person(call.environment, error)
    except EnvironmentBroken as error:
        log = error.log[-_LOG:]
        trouble = install_trouble(error.message, log)
    return InstallTry(
        number=call.number,
        environment=call.environment,
        because=call.because,
        variables=call.variables,
        image=image,
        seconds=round(time.monotonic() - begun, 3),
        trouble=trouble,
        log=log,
    )


def _needs_a_person(wanted: Environment, error: GateRequired) -> Trouble:
    """What only a person may decide, and how."""
    path = wanted.dockerfile or wanted.requirements or ""
    supply = (
        f"Read {path}; if it may be built on this machine, answer {DOCKERFILE_ANSWER} with yes."
        if wanted.dockerfile
        else "Write the ticket by hand with that file as its environment, and decide at its plan"
        " gate; or take the addresses out of it."
    )
    return Trouble(
        kind="crash",
        what=path or "the environment",
        message=error.message[:600],
        supply=supply[:600],
        evidence=(Place(path=path),) if path else (),
    )


install_environment: Tool[InstallEnvironment, InstallTry, Draft] = Tool(
    "install_environment", InstallEnvironment, _install
)
