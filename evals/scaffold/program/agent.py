"""A coding agent: asks a language model for a function, and writes down what it answers."""

import json
import re
import sys

import model

import tools

ModelError = model.ModelError

SYSTEM = "You are a programmer. You answer with one block of Python code and nothing else."  # fixed

PROMPT = """Write this Python function.

{signature}

{statement}

Examples:
{examples}
"""

SAMPLING = {
    "temperature": 0.8,  # 0..1.5
    "top_p": 0.95,  # 0.1..1
    "top_k": 40,  # 0..100
    "min_p": 0.0,  # 0..0.5
    "repeat_penalty": 1.0,  # 1..1.5
    "max_tokens": 160,  # 64..320 step 32
}


def ask(messages, **changes):
    """The model's reply. Raises ModelError."""
    return model.request(messages, **{**SAMPLING, **changes})


def examples(task):
    """The task's own examples, one a line."""
    name = task["name"]
    return "\n".join(f"{tools.call(name, e['args'])} == {e['result']!r}" for e in task["examples"])


def prompt(task, said=""):
    """The messages for a task; `said` is shown below it."""
    asked = PROMPT.format(
        signature=f"def {task['signature']}:",
        statement=task["statement"],
        examples=examples(task),
    )
    if said:
        asked += "\n" + said
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": asked}]


def parse(text):
    """The first block of code in a reply; the whole reply where it has none."""
    found = re.search(r"```(?:python)?\n(.*?)(?:```|\Z)", text, re.DOTALL)
    return found.group(1) if found else text


def check(task, answer):
    """A sentence for each of the task's examples that the answer fails."""
    return tools.failing(answer, task["name"], task["examples"])


def attempt(task, said="", **changes):
    """One answer of the model."""
    return parse(ask(prompt(task, said), **changes))


def solve(task):
    """The source text that is handed in for a task."""
    return attempt(task)


def main(input_file, output_file):
    """Works on one task."""
    with open(input_file) as file:
        task = json.load(file)
    answer = solve(task)
    with open(output_file, "w") as file:
        file.write(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
