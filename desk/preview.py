"""What a ticket would take, shown before anything runs."""

import tempfile
from contextlib import closing
from pathlib import Path

from desk.assigning import examine
from desk.models.answering import described
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.settings import Settings


class Preview(Model):
    """A dry run: what the plan will rest on, what may be spent, what will be installed."""

    title: str
    repository: str
    commit: str
    branch: str | None
    files: int
    command: str
    first_command: str
    metric: str
    scored_by: str
    search_space: dict[str, str]
    seeds: tuple[int, ...]
    data: tuple[str, ...]
    library: str
    environment: str
    hosts: tuple[str, ...]
    needs_approval: bool
    budget: Budget
    most_cost_usd: float
    models: tuple[str, ...]
    warnings: tuple[str, ...]


def of_ticket(ticket: Ticket, beside: Path, settings: Settings) -> Preview:
    """Checks a ticket as assigning it would, in a folder that is thrown away.

    Raises:
        InputError: what assigning would refuse.
    """
    from labcrew.patterns import hidden
    from sandboxes.docker_sandboxes import DockerSandboxes
    from sandboxes.environments.environments import Environments
    from sandboxes.git.repositories import GitRepositories

    with tempfile.TemporaryDirectory(prefix="labcrew-dry-run-") as folder:
        repositories = GitRepositories(Path(folder))
        examined = examine(ticket, "dry-run", beside, repositories, settings)
        with closing(DockerSandboxes("dry-run", repositories)) as sandboxes:
            environments = Environments(sandboxes, repositories)
            environment = environments.plan(
                ticket.environment, "dry-run", examined.commit, hidden(ticket)
            )
        budget = ticket.budget
        return Preview(
            title=ticket.title,
            repository=str(examined.repository),
            commit=examined.commit,
            branch=examined.branch,
            files=len(examined.files),
            command=ticket.run.command,
            first_command=ticket.run.command.replace("{seed}", str(ticket.seeds[0]))
            .replace("{outputs}", ticket.outputs)
            .replace("{settings}", ""),
            metric=f"{ticket.metric.name} ({ticket.metric.direction})",
            scored_by=(
                f"the evaluator: {ticket.evaluator.command}"
                if ticket.evaluator is not None
                else "the run itself (labelled reported)"
            ),
            search_space={
                name: " ".join(
                    f"{key}={value}"
                    for key, value in parameter.model_dump(exclude_defaults=True).items()
                )
                for name, parameter in ticket.search_space.items()
            },
            seeds=ticket.seeds,
            data=tuple(f"{item.path} ({item.split})" for item in ticket.data),
            library=ticket.literature.library or "none",
            environment=environment.description,
            needs_approval=environment.needs_gate,
            hosts=ticket.hosts,
            budget=budget,
            most_cost_usd=budget.hours * budget.parallel * budget.usd_per_hour,
            models=described(settings),
            warnings=examined.warnings,
        )


def of_assigned(assigned: AssignedTicket, root: Path, settings: Settings) -> Preview:
    """The same for a ticket that was taken, at its own commit and with its present budget."""
    ticket = assigned.ticket.model_copy(
        update={
            "repository": assigned.repository,
            "commit": assigned.base_commit if not assigned.ticket.snapshot else "HEAD",
            "budget": assigned.budget,
        }
    )
    return of_ticket(ticket, root, settings)


def text(shown: Preview) -> str:
    """The dry run as people read it."""
    budget = shown.budget
    lines = [
        f"Dry run: {shown.title}",
        f"  repository   {shown.repository} at {shown.commit[:12]}"
        f" ({shown.branch or 'no branch'}, {shown.files} files)",
        f"  command      {shown.command}",
        f"  first run    {shown.first_command}",
        f"  metric       {shown.metric}, scored by {shown.scored_by}",
        *(f"  parameter    {name}: {space}" for name, space in shown.search_space.items()),
        f"  seeds        {', '.join(map(str, shown.seeds))}",
        *(f"  data         {item}" for item in shown.data),
        f"  library      {shown.library}",
        f"  environment  {shown.environment}"
        + ("; needs your approval at the plan gate" if shown.needs_approval else ""),
        f"  hosts        {', '.join(shown.hosts) or 'none'}",
        f"  budget       {budget.trials} runs, {budget.parallel} at once, at most"
        f" {budget.hours:g} h, {budget.cpus:g} cores and {budget.memory_mb} MiB a run",
        f"  cost         at most {shown.most_cost_usd:.2f} USD",
        f"  judgements   {', '.join(shown.models) or 'by rules (no chat model is set)'}",
        *(f"  note         {warning}" for warning in shown.warnings),
        "Nothing was started.",
    ]
    from sandboxes.text import clean

    return clean("\n".join(lines))
