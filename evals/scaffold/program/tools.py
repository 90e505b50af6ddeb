"""Runs the examples of a task on an answer, in a process of its own with a time limit."""

import json
import subprocess
import sys

TIMEOUT_S = 2

_RUN = """
import contextlib, io, json, sys
source, name, calls = json.load(sys.stdin)
say = sys.stdout
def value(args):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return ["value", json.loads(json.dumps(space[name](*args)))]
    except BaseException as error:
        return ["error", f"{type(error).__name__}: {error}"]
space = {"__name__": "answer"}
try:
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "answer", "exec"), space)
    if name not in space:
        raise NameError(f"there is no function {name}")
    found = [value(args) for args in calls]
except BaseException as error:
    found = ["error", f"{type(error).__name__}: {error}"]
say.write(json.dumps(found))
"""


def call(name, args):
    """A call as it is written in a program."""
    return f"{name}({', '.join(map(repr, args))})"


def failing(source, name, examples):
    """What an answer gets wrong: a sentence for each example that it fails."""
    if not source.strip():
        return ["There is no program."]
    calls = [e["args"] for e in examples]
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-c", _RUN],
            input=json.dumps([source, name, calls]),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        found = json.loads(ended.stdout)
    except subprocess.TimeoutExpired:
        return ["It does not come to an end."]
    except ValueError:
        return ["It ends Python."]
    if found[0] == "error":
        return [f"It can't be run: {found[1]}."]
    said = []
    for example, (kind, got) in zip(examples, found):
        written = call(name, example["args"])
        if kind == "error":
            said.append(f"{written} raises {got}.")
        elif got != example["result"] or type(got) is not type(example["result"]):
            said.append(f"{written} returns {got!r}, not {example['result']!r}.")
    return said
