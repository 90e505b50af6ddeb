"""Commands on merge requests: list, show, diff, verify, comment, merge."""

from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import (
    FAILED,
    ByOption,
    HomeOption,
    JsonOption,
    ServerOption,
    answer,
    group,
    guarded,
    printable,
    say,
)

if TYPE_CHECKING:
    from labcrew.domain.review import Verification

app = group("Merge requests: review, verify, merge.")
RequestArgument = Annotated[
    str, typer.Argument(metavar="MR", help="A merge request, or a ticket or loop for its newest.")
]


@app.command("list")
@guarded
def list_(
    home: HomeOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """List the merge requests."""
    from desk.cli.showing import request_table
    from desk.front.opening import front

    with front(home, server, None) as desk:
        requests = desk.merge_requests()
    answer(requests, as_json, lambda: request_table(requests))


@app.command()
@guarded
def show(
    request: RequestArgument,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a merge request's description and comments."""
    from desk.front.opening import front

    with front(home, server, None) as desk:
        found = desk.merge_request(request)
        comments = desk.comments(found)

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
def diff(
    request: RequestArgument,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a merge request changes."""
    from desk.front.opening import front

    with front(home, server, None) as desk:
        change = desk.change(desk.merge_request(request))
    answer(change, as_json, lambda: printable(change.diff))


@app.command()
@guarded
def verify(
    request: RequestArgument,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Also run the winner again, in a sandbox.")
    ] = False,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute every number from the ledger and the stored outputs."""
    from desk.front.opening import front

    with front(home, server, None, say) as desk:
        result = desk.verify(desk.merge_request(request), rerun=rerun)
    answer(result, as_json, lambda: _verdict(result))
    if not result.holds:
        raise typer.Exit(FAILED)


def _verdict(result: "Verification") -> str:
    lines = [f"  {problem}" for problem in result.problems]
    if result.no_score_before:
        lines.append(f"  before: no score ({result.no_score_before}); no gain is claimed")
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
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Leave a remark on a merge request."""
    from desk.commissions import working_on
    from desk.front.opening import front

    with front(home, server, by) as desk:
        found = desk.merge_request(request)
        if revise:  # the decision keeps the remark: there are both, or neither
            gate = desk.merge_gate(found)
            desk.decide(gate.id, "respond", gate.payload_hash, text, {}, path, line)
            made = next(c for c in reversed(desk.comments(found)) if c.text == text.strip())
        else:
            made = desk.comment(found.id, text, path, line)
    todo = (
        f"Go on with: {working_on(found.ticket)}"
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
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept a merge request; the crew fast-forwards the branch when it next works."""
    from desk.commissions import working_on
    from desk.front.opening import front

    with front(home, server, by) as desk:
        found = desk.merge_request(request)
        finished = desk.finish_merge(found)
        if finished is not None:
            answer(finished, as_json, lambda: f"{found.id}: {finished.merge_note}")
            return
        gate = desk.merge_gate(found)
        decision = desk.decide(gate.id, "accept", gate.payload_hash, "", {})
    answer(
        decision,
        as_json,
        lambda: f"{found.id} accepted by {decision.by}. Merge with: {working_on(found.ticket)}",
    )
