"""The language model: a line of JSON on standard output is answered by a line on standard input."""

import json
import sys

CALLS = 4
TOKENS = 4000
_asked = []
_used = 0


class ModelError(Exception):
    """The model gave no answer, or this run may ask it nothing more."""


def request(messages, **sampling):
    """What the model says to the messages; asked the same again, it says something else.

    A run that asks for more than it may is ended: what may be asked is counted here as well, with
    three characters to a token, which is more than there are. Raises ModelError.
    """
    global _used
    asked = {"messages": messages, **sampling}
    size = sum(len(m["content"]) for m in messages) // 3
    if len(_asked) >= CALLS or _used + size + sampling.get("max_tokens", 256) > TOKENS:
        raise ModelError("the run's allowance is spent")
    again = _asked.count(asked)
    _asked.append(asked)
    print(json.dumps({"model": {**asked, "sample": again} if again else asked}), flush=True)
    line = sys.stdin.readline()
    if not line:
        raise ModelError("nobody answers")
    answer = json.loads(line)
    if "text" not in answer:
        raise ModelError(str(answer.get("error")))
    _used += size + len(answer["text"]) // 3
    return answer["text"]
