"""Makes one draft in processes that are killed at random, until it is done; run by test_drafts.

drafting_driver.py FOLDER KILLS SEED

Each life is a fork of a parent that has imported everything and opened nothing.
"""

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

import memory.chroma
import memory.embedding
import sandboxes.client
from desk.wiring import at_work, open_home
from graphs.drafting import drafter, study
from labcrew.errors import OutcomeUnknown

DRAFT = "D-001"
_ENGINE_LOST, _MOST_LIVES = 75, 40


def live(folder: Path) -> None:
    """One life: works on the draft until it has ended, or until it is killed."""
    with open_home(folder / "home") as opened, at_work(opened) as parts:
        draft = asyncio.run(parts.drafter(lambda _text: None).advance(DRAFT))
        if draft.status != "written":
            raise SystemExit(f"{draft.status}: {draft.trouble}")


def main(folder: Path, kills: int, seed: int) -> int:
    randomness = random.Random(seed)
    lives = 0
    while True:
        lives += 1
        child = os.fork()
        if child == 0:
            code = 1
            try:
                live(folder)
                code = 0
            except OutcomeUnknown as error:
                print(f"the engine was lost: {error}", file=sys.stderr, flush=True)
                code = _ENGINE_LOST
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(code)
        if lives <= kills:
            time.sleep(randomness.uniform(0.2, 1.2))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        lost = not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) == _ENGINE_LOST
        if lost and lives < _MOST_LIVES:
            continue
        if not os.WIFSIGNALED(status):
            print(f"{lives} lives")
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    # Nothing is opened by these, so that a fork is a whole new start.
    assert all((memory.chroma, memory.embedding, sandboxes.client, drafter, study))
    import chromadb
    import mlflow
    import onnxruntime

    assert all((chromadb, mlflow, onnxruntime))
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
