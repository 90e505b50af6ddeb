"""The policy table as people read it."""

from labcrew.policy import POLICY, in_words

_HEAD = """\
# What each agent may do

Made from labcrew/policy.py by `labcrew policy`; a test keeps it true. What stands here
is allowed, once the gate was accepted where one is named; everything else is refused. Every call,
allowed or not, is a line of the ledger: who, what, and why.
"""


def policy_rows() -> list[dict[str, object]]:
    """The rows as plain values."""
    return [
        {
            "tool": row.tool,
            "agents": list(row.agents),
            "verdict": row.verdict,
            "because": row.because,
            "arguments": {name: in_words(must) for name, must in row.arguments.items()},
        }
        for row in POLICY
    ]


def policy_page() -> str:
    """The table as Markdown, a section a row."""
    sections = [_HEAD]
    for row in POLICY:
        gate = "" if row.verdict == "allowed" else f" · after the {row.verdict} gate"
        lines = [f"## {row.tool}", "", f"{', '.join(row.agents)}{gate} · {row.because}", ""]
        lines += [f"- `{name}`: {in_words(must)}" for name, must in row.arguments.items()]
        sections.append("\n".join([*lines, ""]))
    return "\n".join(sections)
