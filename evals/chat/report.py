"""The result in words."""

from evals.chat.measuring import ChatResult


def text(result: ChatResult) -> str:
    """The tables as Markdown; intervals are Wilson's, 95%."""
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
    return "\n".join(lines)
