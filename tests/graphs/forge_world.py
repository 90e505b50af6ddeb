"""A ticket whose merge request is ready, beside a forge; run as a program it proposes and dies."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from graphs.following import Following
from graphs.forging import propose
from graphs.work import Work
from labcrew.deciding import decide
from labcrew.domain.forge import ForgeRequest, ForgeSettings, Proposal
from labcrew.domain.review import Gate, MergeRequest, SmokeTest
from labcrew.domain.ticket import AssignedTicket
from labcrew.home import Home
from labcrew.ledger import Ledger
from sandboxes.git.repositories import GitRepositories
from tests.desk.conftest import HandClock, git
from tests.doubles.forge_server import PROJECT, TOKEN, ForgeServer
from tests.tickets import make_assigned
from tools.facts import change_effect
from tools.forges.known import KNOWN
from tools.toolbox import Workbench

ID = "T-001"


class World:
    """Opens `root`/home; `prepare` makes its records.

    Args:
        root: holds the home and the user's repository `lab`.
        kind: gitlab or github.
        url: where the forge is served.
    """

    def __init__(self, root: Path, kind: Any, url: str, ledger: Ledger) -> None:
        self.root, self.home, self.ledger = root, Home(root / "home"), ledger
        self.settings = ForgeSettings(kind=kind, project=PROJECT, url=url, timeout_s=2, retries=0)
        self.repositories = GitRepositories(self.home.repositories)
        self.forge: Any = KNOWN[kind](
            self.settings, SecretStr(TOKEN), self.repositories, lambda seconds: None
        )
        self.clock = HandClock()
        absent: Any = None
        bench = Workbench(
            home=self.home, ledger=ledger, repositories=self.repositories, clock=self.clock,
            base_image="none", forge=self.forge, sandboxes=absent, environments=absent,
            memory=absent, tracker=absent, sources=(),
        )  # fmt: skip
        self.work = Work(bench=bench, crew=absent, rules=absent)

    @property
    def assigned(self) -> AssignedTicket:
        return self.ledger.tickets.get(ID)

    @property
    def request(self) -> MergeRequest:
        return self.ledger.merge_requests.of(ID)[-1]

    def prepare(self, *, forge: str | None = None) -> None:
        """The first revision's change, approved plan, merge request and its gate."""
        assigned = make_assigned().model_copy(
            update={
                "id": ID, "repository": str(self.root / "lab"), "target_branch": "main",
                "base_commit": git(self.root / "lab", "rev-parse", "main"),
            }
        )  # fmt: skip
        self.ledger.tickets.put(assigned, actor="person:ada")
        self.revision(0, forge=forge)

    def revision(self, number: int, *, forge: str | None = None) -> None:
        """One more change on the base, ready to be decided."""
        repository = self.root / "lab"
        git(repository, "checkout", "-q", "--detach", "main")
        (repository / "train.py").write_text(f"revision {number}")
        git(repository, "commit", "-qam", f"revision {number}")
        commit = git(repository, "rev-parse", "HEAD")
        self.repositories.take(ID, repository, commit, snapshot=False)
        assigned = self.assigned.model_copy(update={"revision": number})
        self.ledger.tickets.put(assigned, actor="coordinator")
        self.ledger.intend(change_effect(assigned), ID, {})
        self.ledger.done(change_effect(assigned), {"commit": commit})
        plan = self._gate("plan", number, {"forge": self.forge.name if forge is None else forge})
        decide(self.ledger, self.clock, plan.id, "accept", by="ada")
        for older in self.ledger.merge_requests.of(ID):
            superseded = older.model_copy(update={"status": "superseded"})
            self.ledger.merge_requests.put(superseded, actor="merge_request")
        smoke = SmokeTest(
            command="true", exit_code=0, passed=True, detail="accuracy 0.9", duration_s=1
        )
        made = MergeRequest(
            id=f"{ID}-MR{number}", ticket=ID, revision=number, title="Better",
            branch=f"labcrew/{ID}" + f"-r{number}" * bool(number), target="main",
            base_commit=assigned.base_commit, commit=commit, template="",
            description="It is better. <script>alert(1)</script>", evidence=(), smoke=smoke,
            gain=None, verdict="improves",
        )  # fmt: skip
        self.ledger.merge_requests.put(made, actor="merge_request", kind="merge_request.opened")

    def merge_gate(self) -> Gate:
        request = self.request
        shown = {"merge_request": request.id, "commit": request.commit, "target": "main"}
        return self._gate("merge", request.revision, shown)

    def _gate(self, kind: Any, revision: int, shown: dict[str, Any]) -> Gate:
        gate = Gate(
            id=f"{ID}-{kind}-r{revision}.0", ticket=ID, kind=kind, title="?", description="?",
            shown=shown, allowed=("accept", "respond", "ignore"), safe_default="ignore",
            opened_at=self.clock.now(), expires_at=None,
        )  # fmt: skip
        self.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")
        return gate

    async def propose(self) -> bool:
        return await propose(self.work, self.assigned, self.request)


class Scene(World):
    """A world with its forge's server, which is set after it was opened."""

    server: ForgeServer

    def there(self) -> Any:
        (request,) = self.server.requests.values()
        return request

    def said(self, gate: str) -> Any:
        return self.ledger.decisions.find(gate)

    def troubles(self) -> list[str]:
        events = self.ledger.events.of(ID)
        return [str(e.data["kind"]) for e in events if e.kind == "forge.trouble"]

    async def look(self) -> None:
        await Following(self.work, self.settings).look()


def make_lab(root: Path) -> Path:
    """The user's repository with one commit on main."""
    lab = root / "lab"
    lab.mkdir()
    (lab / "train.py").write_text("print('hello')\n")
    git(lab, "init", "-q", "-b", "main")
    git(lab, "add", "-A")
    git(lab, "commit", "-q", "-m", "start")
    return lab


class Dying:
    """A forge that kills its process at one step.

    Args:
        forge: the real one.
        after: publish, open or update: that call is made, and then the process is dead.
    """

    def __init__(self, forge: Any, after: str) -> None:
        self._forge, self._after = forge, after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._forge, name)
        if name != self._after:
            return call

        def last(*arguments: Any) -> ForgeRequest | Proposal | None:
            call(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)
            return None

        return last


def main(root: str, kind: str, url: str, after: str) -> None:
    from dataclasses import replace

    home = Home(Path(root) / "home")
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=HandClock()) as ledger:
        world = World(Path(root), kind, url, ledger)
        bench = replace(world.work.bench, forge=Dying(world.forge, after))
        work = replace(world.work, bench=bench)
        asyncio.run(propose(work, world.assigned, world.request))


if __name__ == "__main__":
    main(*sys.argv[1:])
