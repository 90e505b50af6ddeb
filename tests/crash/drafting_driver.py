"""Makes one draft in processes that are killed, until it is done; run by test_drafts.

drafting_driver.py FOLDER KILLS SEED

    KILLS  how often at random; "nodes": once before and once after each step of the machine
"""

import asyncio
import sys
from functools import partial
from pathlib import Path

import pytest

import memory.chroma
import memory.embedding
import sandboxes.client
from desk.wiring import at_work, open_home
from graphs.drafting import drafter, study
from graphs.drafting.machine import drafting_graph
from tests.crash.killing import deadly, stepped, until_it_ends

DRAFT = "D-001"


def live(folder: Path, *, nodes: bool) -> None:
    """One life: works on the draft until it has ended, or until it is killed."""
    with pytest.MonkeyPatch.context() as patches:
        if nodes:
            at = partial(deadly, folder)
            patches.setattr(drafter, "drafting_graph", lambda: stepped(drafting_graph(), at))
        with open_home(folder / "home") as opened, at_work(opened) as parts:
            draft = asyncio.run(parts.drafter(lambda _text: None).advance(DRAFT))
        if draft.status != "written":
            raise SystemExit(f"{draft.status}: {draft.trouble}")


if __name__ == "__main__":
    # Nothing is opened by these, so that a fork is a whole new start.
    assert all((memory.chroma, memory.embedding, sandboxes.client, drafter, study))
    import chromadb
    import mlflow
    import onnxruntime

    assert all((chromadb, mlflow, onnxruntime))
    folder, kills, seed = sys.argv[1:]
    nodes = kills == "nodes"
    sys.exit(
        until_it_ends(
            partial(live, Path(folder), nodes=nodes),
            kills=0 if nodes else int(kills),
            moments=(0.2, 1.2),
            seed=int(seed),
        )
    )
