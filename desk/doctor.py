"""What labcrew rests on, checked one by one; nothing is changed."""

import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labcrew.domain.base import Model
from labcrew.errors import LabcrewError
from labcrew.home import Home
from labcrew.ports import SystemClock
from labcrew.settings import Settings

if TYPE_CHECKING:
    from desk.wiring import Opened

State = Literal["ok", "warning", "problem"]


class Check(Model):
    """One thing that was looked at."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def checks(root: Path) -> list[Check]:
    """Looks at everything.

    Args:
        root: the home's folder, whether it is there or not.
    """
    found: list[Check] = []
    for name, look in (
        ("python", _python),
        ("git", _git),
        ("engine", lambda: _engine(root)),
        ("home", lambda: _home(root)),
    ):
        found += _guarded(name, look)
    return found


def worst(found: list[Check]) -> State:
    """The worst state among some checks."""
    states = {check.state for check in found}
    return "problem" if "problem" in states else "warning" if "warning" in states else "ok"


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except LabcrewError as error:
        yield Check(name=name, state="problem", detail=error.message, remedy=error.remedy)


def _python() -> Iterator[Check]:
    yield Check(
        name="python",
        state="ok",
        detail=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    )


def _git() -> Iterator[Check]:
    remedy = "Install git, e.g. `sudo apt-get install git`."
    place = shutil.which("git")
    if place is None:
        yield Check(name="git", state="problem", detail="not found", remedy=remedy)
        return
    done = subprocess.run(
        [place, "--version"], capture_output=True, text=True, timeout=20, check=False, cwd="/"
    )
    state: State = "ok" if done.returncode == 0 else "problem"
    yield Check(name="git", state=state, detail=done.stdout.strip() or "does not run")


def _engine(root: Path) -> Iterator[Check]:
    from sandboxes.offers import offers

    file = Home(root).settings_file
    settings = Settings.load(file).sandbox
    for offer in offers(settings, SystemClock().now()):
        yield Check.model_validate(offer.model_dump())


def _home(root: Path) -> Iterator[Check]:
    from desk.wiring import open_home

    if not Home(root).exists():
        yield Check(
            name="home", state="warning", detail=f"none in {root}", remedy="Run `labcrew init`."
        )
        return
    with open_home(root, check="none") as opened:
        yield Check(name="home", state="ok", detail=f"{root}, {_free(root)}")
        problems = opened.ledger.verify()
        yield Check(
            name="ledger",
            state="problem" if problems else "ok",
            detail="; ".join(problems[:3]) or f"sound, {opened.ledger.events.count()} lines",
            remedy="Restore the home from a backup; see `labcrew ledger verify`."
            if problems
            else "",
        )
        if not problems:
            kept = (
                len(opened.ledger.findings.all()),
                len(opened.ledger.lessons.all()),
                len(opened.ledger.trials.all()),
            )
            yield Check(
                name="memory",
                state="ok",
                detail=f"rests on {kept[0]} findings, {kept[1]} lessons and {kept[2]} trials;"
                " `labcrew memory rebuild` makes it anew",
            )
        yield from _models(opened.settings)
        yield from _forge(opened)


def _models(settings: Settings) -> Iterator[Check]:
    from desk.models import build_judge
    from desk.models.answering import described

    build_judge(settings)
    told = "; ".join(described(settings))
    yield Check(
        name="models",
        state="ok",
        detail=told or "none set: judgements by rules; tickets of kind search need none",
        remedy="`labcrew doctor --model` asks each endpoint what it can do." if told else "",
    )


def _forge(opened: "Opened") -> Iterator[Check]:
    from sandboxes.git.repositories import GitRepositories
    from tools.forges.known import build_forge

    if opened.settings.forge.kind is None:
        return
    try:
        forge = build_forge(opened.settings.forge, GitRepositories(opened.home.repositories))
        assert forge is not None, "a kind is set"
        yield Check(name="forge", state="ok", detail=forge.check())
    except LabcrewError as error:
        yield Check(name="forge", state="problem", detail=error.message, remedy=error.remedy)


def _free(path: Path) -> str:
    while not path.exists() and path != path.parent:
        path = path.parent
    return f"{shutil.disk_usage(path).free / 1e9:.1f} GB free"
