"""The language model: a line of JSON on standard output is answered by a line on standard input."""

import json
import sys


class ModelError(Exception):
    """The model gave no answer, or this run may ask it nothing more."""


def request(messages, **sampling):
    """What the model says to the messages. Raises ModelError."""
    asked = {"model": {"messages": messages, **sampling}}
    print(json.dumps(asked), flush=True)
    line = sys.stdin.readline()
    if not line:
        raise ModelError("nobody answers")
    answer = json.loads(line)
    if "text" not in answer:
        raise ModelError(str(answer.get("error")))
    return answer["text"]
