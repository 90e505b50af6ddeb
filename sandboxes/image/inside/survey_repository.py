"""Reads a repository: what can be run, with which settings, on what software and data.

Usage: survey_repository.py FOLDER [--seconds N] [--output FILE]

Prints (or writes) one JSON object as labcrew's type Survey has it. Nothing of the repository is
imported or run, links are not followed, and files, bytes and time are capped; what was cut is told.
"""

import argparse
import gc
import json
import sys
import time
from pathlib import Path

from survey.assembly import survey_of  # type: ignore[import-not-found]

MOST_OUTPUT = 12 << 20


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="survey_repository.py", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    gc.disable()  # syntax trees are many small objects that all live to the end
    sys.setrecursionlimit(3000)
    survey = survey_of(given.folder, time.monotonic() + given.seconds)
    answer = json.dumps(survey)
    if len(answer) > MOST_OUTPUT:
        answer = json.dumps(lighter(survey))
    if given.output:
        given.output.write_text(answer)
    else:
        print(answer)
    return 0


def lighter(survey: dict[str, object]) -> dict[str, object]:
    """The survey without its bulk, for a repository that says too much."""
    entries = survey["entries"]
    assert isinstance(entries, list)
    cut = [*survey["cut"], "entry points: their number, and what each shows"]  # type: ignore[misc]
    return survey | {
        "entries": [entry | {"traits": entry["traits"][:20]} for entry in entries[:60]],
        "configs": {},
        "requirements": survey["requirements"][:500],  # type: ignore[index]
        "cut": cut,
    }


if __name__ == "__main__":
    sys.exit(main())
