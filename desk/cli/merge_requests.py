"""Commands on merge requests: list, show, diff, verify, comment, merge."""

from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import (
    FAILED,
    ByOption,
    HomeOption,
    JsonOption,
    answer,
    group,
    guarded,
    printable,
    say,
)

if TYPE_CHECKING:
    from graphs.work import Work
    from labcrew.domain.review import MergeRequest, Verification

app = group("Merge requests: review, verify, merge.")
RequestArgument = Annotated[
    str, typer.Argument(metavar="MR", help="A merge request, or a ticket for its newest.")
]


@app.command("list")
@guarded
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the merge requests."""
    from desk.cli.showing import request_table
    from desk.wiring import open_home

    with open_home(home) as opened:
        requests = opened.ledger.merge_requests.all()
    answer(requests, as_json, lambda: request_table(requests))


@app.command()
@guarded
def show(request: RequestArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show a merge request's description and comments."""
    from desk.wiring import open_home

    with open_home(home) as opened:
        found = opened.office().merge_request(request)
        comments = [
            c for c in opened.ledger.comments.of(found.ticket) if c.merge_request == found.id
        ]

    def shown() -> str:
        lines = [
            f"{found.id} ({found.status}): {found.title}",
            f"branch {found.branch} at {found.commit[:12]} → {found.target or 'no branch'}",
            "",
            found.description,
        ]
        lines += [f"{c.by}{f' on {c.path}' * bool(c.path)}: {c.text}" for c in comments]
        if found.merge_note:
            lines.append(found.merge_note)
        return printable("\n".join(lines))

    answer({"merge_request": found, "comments": comments}, as_json, shown)


@app.command()
@guarded
def diff(request: RequestArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what a merge request changes."""
    from desk.wiring import open_home

    with open_home(home) as opened:
        office = opened.office()
        found = office.merge_request(request)
        change = office.repositories.change(found.ticket, found.base_commit, found.commit)
    answer(change, as_json, lambda: printable(change.diff))


@app.command()
@guarded
def verify(
    request: RequestArgument,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Also run the winner again, in a sandbox.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute every number from the ledger and the stored outputs."""
    import asyncio

    from desk.wiring import at_work, open_home
    from graphs import verification
    from labcrew.errors import LabcrewError

    async def check(work: "Work", found: "MergeRequest") -> "Verification":
        result = await verification.verify(work, found)
        if not rerun:
            return result
        try:
            told = await verification.rerun(work, found)
        except LabcrewError as error:
            return result.model_copy(update={"problems": (*result.problems, error.message)})
        return result.model_copy(update={"rerun": told})

    with open_home(home) as opened:
        found = opened.office().merge_request(request)
        with at_work(opened, say) as working:
            result = asyncio.run(check(working.work, found))
    answer(result, as_json, lambda: _verdict(result))
    if not result.holds:
        raise typer.Exit(FAILED)


def _verdict(result: "Verification") -> str:
    lines = [f"  {problem}" for problem in result.problems]
    if result.rerun:
        lines.append(f"  {result.rerun}")
    state = "holds" if result.holds else "DOES NOT HOLD"
    checked = f"{result.checked} numbers" + (f" and {result.tests} tests" if result.tests else "")
    return printable("\n".join([f"{result.merge_request} {state}: {checked} checked.", *lines]))


@app.command()
@guarded
def comment(
    request: RequestArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    path: Annotated[str, typer.Option(help="A file of the change.")] = "",
    line: Annotated[int | None, typer.Option(min=1, help="A line of that file.")] = None,
    revise: Annotated[
        bool, typer.Option("--revise", help="Also send it back: the comments become work.")
    ] = False,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Leave a remark on a merge request."""
    from desk.wiring import open_home, person

    with open_home(home) as opened:
        office = opened.office()
        name = by or person()
        made = office.comment(request, name, text, path, line)
        found = office.merge_request(made.merge_request)
        if revise:
            office.decide(office.merge_gate(found).id, "respond", name, comment=text)
    todo = (
        f"Go on with: labcrew run {found.ticket}"
        if revise
        else f"Send it back with: labcrew decide {found.ticket} respond --comment '…'"
    )
    answer(made, as_json, lambda: f"{made.id} noted. {todo}")


@app.command()
@guarded
def merge(
    request: RequestArgument,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept a merge request; the crew fast-forwards the branch when it next works."""
    from desk.wiring import open_home, person

    with open_home(home) as opened:
        office = opened.office()
        found = office.merge_request(request)
        finished = office.finish_merge(found, by or person())
        if finished is not None:
            answer(finished, as_json, lambda: f"{found.id}: {finished.merge_note}")
            return
        decision = office.decide(office.merge_gate(found).id, "accept", by or person())
    answer(
        decision,
        as_json,
        lambda: f"{found.id} accepted by {decision.by}. Merge with: labcrew run {found.ticket}",
    )
