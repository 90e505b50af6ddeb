"""A single shot: the issue and the files in one prompt, whole files back."""

import re
import time
from collections.abc import Mapping

from agents.programming.edits import EditError, edited
from evals.repair.attempt import Proposal
from evals.repair.catalogue import Task
from labcrew.domain.chat import ChatModel, Message, Tokens
from labcrew.errors import ModelFailure

SYSTEM = (
    "You repair Python code. Answer with the whole text of each file that must change, each in a"
    " ```python block of its own, with the file's path on the line before the block."
)
SAMPLED = 0.7
"""Temperature of shots after the first."""
_BLOCK = re.compile(r"^[ \t]*```[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)


async def single_shot(task: Task, model: ChatModel) -> Proposal:
    """Asks once, and takes what files can be read out of the answer."""
    began = time.monotonic()
    messages = [Message(role="system", content=SYSTEM), Message(role="user", content=asked(task))]
    try:
        reply = await model.reply(messages, purpose="evals.repair.single")
    except ModelFailure as failure:
        return Proposal(
            files={},
            steps=1,
            tokens=failure.tokens or Tokens(),
            seconds=time.monotonic() - began,
            ended=failure.message[:500],
        )
    return Proposal(
        files=answered(reply.message.content, task.files) or _edits(reply.message.content, task),
        steps=1,
        tokens=reply.tokens,
        seconds=time.monotonic() - began,
        ended=reply.finish,
    )


def asked(task: Task) -> str:
    """The issue and the files, the question last: all in one message.

    The tests are not shown: of what was tried on the visible half, this did best. Small models
    that are shown tests write those again.
    """
    shown = [f"{path}:\n```python\n{text.rstrip()}\n```" for path, text in task.files.items()]
    shown.append(f"Problem: {task.title}\n{task.question.strip()}")
    shown.append(
        f"Mend {' or '.join(task.files)}. Write the whole corrected file, with its path on the line"
        " before its ```python block."
    )
    return "\n\n".join(shown)


def answered(text: str, files: Mapping[str, str]) -> dict[str, str]:
    """Path → text of each file that an answer gives.

    A block belongs to the path that is named on the line before it or in its first line, else to
    the file that defines most of what it defines. One that defines less than half of its file is
    no whole file, and is left out.
    """
    found: dict[str, str] = {}
    for block in _BLOCK.finditer(text):
        body = block[1]
        before = text[: block.start()].rstrip().rpartition("\n")[2]
        path = _path(before, body, files)
        if path is None or 2 * len(_names(body) & _names(files[path])) < len(_names(files[path])):
            continue
        found[path] = body if body.endswith("\n") else f"{body}\n"
    return found


def _edits(text: str, task: Task) -> dict[str, str]:
    """What a reply changes that gives functions or SEARCH/REPLACE in place of whole files."""
    try:
        return edited(text, task.files)
    except EditError:
        return {}


def _path(before: str, body: str, files: Mapping[str, str]) -> str | None:
    for line in (before, body.partition("\n")[0]):
        named = [path for path in files if path in line]
        if named:
            return max(named, key=len)
    shared = {path: len(_names(body) & _names(text)) for path, text in files.items()}
    best = max(shared, key=lambda path: shared[path], default=None)
    return best if best is not None and shared[best] else None


def _names(text: str) -> set[str]:
    return set(_DEFINED.findall(text))
