"""Forks workers that write to a ledger, and kills them; run by test_ledger_crashes in a process.

crash_driver.py kill FOLDER ROUNDS      one worker at a time, each killed at a random moment
crash_driver.py contend FOLDER WORKERS  all at once, each wants the same ticket
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from labcrew.domain.experiment import Incident, Trial
from labcrew.errors import LeaseLost
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock


def opened(folder: Path) -> Ledger:
    return Ledger.open(
        f"sqlite:///{folder / 'ledger.db'}", anchor=folder / "ledger.head", clock=SystemClock()
    )


def trial(number: int, status: str = "planned") -> Trial:
    values = {"id": f"T-{number}", "ticket": "T", "number": number, "kind": "search", "seed": 0}
    more = {"data": "original", "memory_mb": 512, "status": status}
    return Trial.model_validate(values | more)


def write_until_killed(folder: Path) -> None:
    with opened(folder) as ledger:
        (folder / "ready").touch()
        while True:
            number = ledger.trials.count("T")
            with ledger.transaction():
                ledger.trials.put(trial(number), actor="a")
                ledger.incidents.put(
                    Incident(
                        id=f"I-{number}",
                        ticket="T",
                        trial=f"T-{number}",
                        kind="stalled",
                        evidence=("x" * 500,),
                        diagnosis="",
                        at_s=1,
                    ),
                    actor="a",
                )
                ledger.events.append(ticket="T", actor="a", kind="both", key=f"{number}", data={})
            for effect in range(ledger.events.count("T", "effect.done"), number + 1):
                file = folder / "world" / f"{effect}"

                def perform(file: Path = file) -> dict[str, str]:
                    os.close(os.open(file, os.O_CREAT | os.O_EXCL))  # a second time fails
                    return {"file": file.name}

                def find(file: Path = file) -> dict[str, str] | None:
                    return {"file": file.name} if file.exists() else None

                ledger.once(f"effect-{effect}", "T", {"n": effect}, perform, find)
            (folder / "passed").touch()


def contend(folder: Path) -> None:
    busy = folder / "busy"
    got = 0
    with opened(folder) as ledger:
        while got < 6:
            lease = ledger.acquire("T", f"worker-{os.getpid()}", 60)
            if lease is None:
                time.sleep(0.002)
                continue
            got += 1
            view = ledger.fenced(lease)
            os.close(os.open(busy, os.O_CREAT | os.O_EXCL))  # fails where another is inside
            view.trials.put(trial(lease.token), actor=lease.holder)
            busy.unlink()
            ledger.release(lease)
            try:
                view.trials.put(trial(lease.token, "failed"), actor=lease.holder)
            except LeaseLost:
                continue
            raise AssertionError("a worker without a lease wrote")


def forked(work: Callable[[Path], None], folder: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(folder)
        code = 0
    except BaseException as error:
        print(type(error).__name__, error, file=sys.stderr, flush=True)
    os._exit(code)


def main(mode: str, folder: Path, count: int) -> int:
    if mode == "contend":
        children = [forked(contend, folder) for _ in range(count)]
        return max(os.waitpid(child, 0)[1] for child in children)
    randomness = random.Random(11)
    for number in range(count):
        # Every second worker has got something done first, however busy the machine is.
        sign = folder / ("ready", "passed")[number % 2]
        sign.unlink(missing_ok=True)
        child = forked(write_until_killed, folder)
        while not sign.exists() and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
        time.sleep(randomness.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
