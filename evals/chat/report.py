"""The result in words."""

from collections.abc import Sequence

from evals.chat.measuring import ChatResult
from evals.chat.routing import Routed


def text(result: ChatResult, routing: Sequence[Routed] = ()) -> str:
    """The tables as Markdown; intervals are Wilson's, 95%.

    Args:
        routing: the rules and a model on the same messages; none: no model was asked.
    """
    lines = [
        f"{result.examples} examples teach; the unseen split was fixed before anything was tuned.",
        "",
        "| split | way | intent | slots | both | both, no example alike | asked back"
        " | right one offered | wrong action |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {m.split} | {m.way} | {m.intent} | {m.slots} | {m.both} | {m.both_new} | {m.unsure} |"
        f" {m.right_among_offered.hits}/{m.right_among_offered.of} | {m.wrong_actions} |"
        for m in result.splits
    ]
    said = result.said
    lines += [
        "",
        f"{said.messages} messages said in a home: {said.statements} statements, of which"
        f" {said.numbers_or_ids_wrong} hold a number or id that their records do not;"
        f" {said.proposals} proposals, {said.done_without_yes} done without a yes.",
        *said.wrong_statements,
    ]
    if routing:
        lines += [
            "",
            "Messages that rest on no earlier one: the tool that is called first, none where none"
            " is right.",
            "",
            "| split | way | right | wrong action |",
            "| --- | --- | --- | --- |",
        ]
        lines += [f"| {r.split} | {r.way} | {r.right} | {r.wrong_actions} |" for r in routing]
    return "\n".join(lines)
