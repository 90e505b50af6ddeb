"""Puts the parts together: a home that is open, and a home that is at work."""

import getpass
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desk.settings_file import write_settings
from labcrew.errors import InputError, LabcrewError, NotFound, SettingsError
from labcrew.given_path import given_path
from labcrew.home import Home
from labcrew.own_homes import FOLDER, is_own, remember
from labcrew.ports import Clock, SystemClock
from labcrew.redaction import Redaction, secrets_of
from labcrew.settings import Settings

if TYPE_CHECKING:
    from desk.drafts import Advances, Drafts
    from desk.evolutions import Evolutions
    from desk.office import Office
    from graphs.evolution.evolver import Evolver
    from graphs.work import Work
    from graphs.worker import Worker
    from labcrew.domain.research import Memory, MemoryRecord, Recalled
    from labcrew.domain.skills import Skill
    from labcrew.ledger import Ledger
    from labcrew.ledger.opening import Check
    from tools.toolbox import Workbench

Say = Callable[[str], None]


@dataclass(frozen=True)
class Opened:
    """A home whose ledger is open: enough to read, to decide and to assign."""

    home: Home
    settings: Settings
    ledger: "Ledger"
    clock: Clock

    def office(self) -> "Office":
        """What people do here."""
        from desk.office import Office
        from sandboxes.git.repositories import GitRepositories

        return Office(
            self.home,
            self.ledger,
            self.clock,
            GitRepositories(self.home.repositories),
            self.settings,
        )

    def drafts(self) -> "Drafts":
        """What people do with drafts of tickets here."""
        from desk.acting import one_at_a_time
        from desk.drafts import Drafts
        from sandboxes.git.repositories import GitRepositories

        return Drafts(
            self.ledger,
            self.clock,
            GitRepositories(self.home.repositories),
            lambda: one_at_a_time(self.home),
        )

    def evolutions(self) -> "Evolutions":
        """What people do with self-evolution here."""
        from agents.evolution.proposers import PROPOSERS
        from desk.acting import one_at_a_time
        from desk.evolutions import Evolutions
        from desk.models.answering import CANDIDATE, RULE, asked_for
        from sandboxes.git.repositories import GitRepositories

        settings = self.settings
        answers = [name for name in asked_for(settings, CANDIDATE) if name != RULE]
        proposes = [name for name in asked_for(settings, "evolution.proposal") if name != RULE]
        asked = {settings.models[name].name for name in (*answers[:1], *proposes)}
        return Evolutions(
            self.ledger,
            self.clock,
            GitRepositories(self.home.repositories),
            lambda: one_at_a_time(self.home, "evolve.lock"),
            proposers=PROPOSERS,
            has_model=bool(answers),
            unpriced=asked - set(settings.prices),
        )


@dataclass(frozen=True)
class AtWork:
    """A home that this process owns, with everything a worker needs.

    Args:
        bench: the adapters.
        work: adapters and agents, for checks outside a ticket's graph.
        worker: makes a worker; True answers its gates with accept.
        drafter: makes what drafts tickets; it tells in plain words what it does.
        evolver: makes what moves loops on; True answers its gates with accept.
    """

    bench: "Workbench"
    work: "Work"
    worker: Callable[[bool], "Worker"]
    drafter: Callable[[Say], "Advances"]
    evolver: Callable[[bool, Say], "Evolver"]


def home_folder(given: Path | None) -> Path:
    """The home that is meant: given, LABCREW_HOME, ./.labcrew if it is there, or ~/.labcrew.

    Raises:
        InputError: no folder can be called so; or nobody named a home, and ./.labcrew may have come
            with the folder.
    """
    if given is not None:
        return given_path(given).absolute()
    if named := os.environ.get("LABCREW_HOME"):
        return given_path(named).absolute()
    here, usual = Path.cwd() / FOLDER, given_path(f"~/{FOLDER}").absolute()
    if not here.is_dir() or here.resolve() == usual.resolve():
        return usual
    if not is_own(Home(here)):
        raise InputError(
            f"{here} was not made by you here: its settings may be a stranger's.",
            f"If it is yours, say --home ./{FOLDER} once; else name another home with --home, as"
            f" ~/{FOLDER}.",
        )
    return here


def person() -> str:
    """Who sits here: LABCREW_USER, else the login name."""
    named = os.environ.get("LABCREW_USER")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


@contextmanager
def open_home(
    given: Path | None,
    *,
    create: bool = False,
    clock: Clock | None = None,
    check: "Check" = "auto",
) -> Iterator[Opened]:
    """Opens a home and its ledger; closes them at the end.

    Args:
        given: the folder, None: where a home is looked for.
        create: make it if it is not there.
        clock: default: the machine's.
        check: how much of the ledger is checked first; "none" to look at a damaged one.

    Raises:
        NotFound: there is no home.
        SettingsError: its settings can't be read.
        LedgerError: its ledger is damaged or locked.
    """
    from labcrew.ledger import Ledger

    home = Home(home_folder(given))
    if create:
        if home.create():
            write_settings(home.settings_file)
    elif not home.exists():
        raise NotFound(
            f"There is no labcrew home in {home.root}.",
            "Make one with `labcrew init`, name one with --home, or `labcrew run TICKET.md`.",
        )
    remember(home)
    settings = Settings.load(home.settings_file)
    clock = clock or SystemClock()
    url = settings.ledger_url or home.ledger_url
    if settings.ledger_url is None and not (home.root / "ledger.db").exists():
        check = "auto"  # a lost ledger is refused; looking at one must not make an empty one
    with Ledger.open(url, anchor=home.anchor, clock=clock, check=check) as ledger:
        yield Opened(home, settings, ledger, clock)


@contextmanager
def at_work(
    opened: Opened, say: Say = lambda text: None, *, many: bool = False, alone: bool = True
) -> Iterator[AtWork]:
    """Owns the home and builds everything a worker needs.

    Args:
        opened: the home.
        say: is told in plain words what takes a while.
        many: more than one ticket is to come, so a tool container is kept ready.
        alone: False: only checks are made, beside whoever owns the home; its memory is theirs.

    Raises:
        LabcrewError: another process owns the home.
        EngineUnavailable: no Docker engine; nothing runs outside a sandbox.
        SettingsError: a model's settings.
    """
    from desk.models import build_judge
    from desk.models.candidate_broker import broker_of
    from desk.tracing import tracing
    from sandboxes.client import connect
    from sandboxes.images import BaseImage

    judge = build_judge(opened.settings)
    broker = broker_of(opened.settings, opened.home.model_answers)
    redact = redaction(opened.settings)
    # These libraries tell of their own tables and migrations, which says nothing to a person.
    for chatty in ("mlflow", "alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with ExitStack() as stack:
        if alone:
            stack.enter_context(opened.home.owned())
        tracer = stack.enter_context(tracing(opened.settings.tracing, redact, say))
        client = connect()
        stack.callback(client.close)
        base_image = BaseImage(client, _unless_there(say)).ensure()

        from graphs.crew import Crew
        from graphs.work import Work
        from graphs.worker import Worker
        from memory.chroma import ChromaMemory
        from memory.embedding import OnnxEmbedder
        from sandboxes.docker_sandboxes import DockerSandboxes
        from sandboxes.environments.environments import Environments
        from sandboxes.git.repositories import GitRepositories
        from tools.forges.known import build_forge
        from tools.literature.arxiv_source import ArxivSource
        from tools.literature.openalex import OpenAlexSource
        from tools.mcp_servers.configured import ConfiguredServers
        from tools.toolbox import Workbench
        from tools.track_run import MlflowTracker

        home, settings = opened.home, opened.settings
        repositories = GitRepositories(home.repositories)
        sandboxes = DockerSandboxes(
            home.id,
            repositories,
            client,
            settings=settings.sandbox,
            folder=home.root,
            warm=settings.sandbox.warm if many else 0,
        )
        stack.callback(sandboxes.close)
        if broker is not None:
            stack.callback(broker.close)
        embedder = OnnxEmbedder()
        memory: Memory = _Elsewhere()
        if alone:
            memory = chroma = ChromaMemory(home.memory, embedder)
            stack.callback(chroma.close)
        bench = Workbench(
            home=home,
            ledger=opened.ledger,
            sandboxes=sandboxes,
            repositories=repositories,
            environments=Environments(sandboxes, repositories, say=_unless_there(say)),
            memory=memory,
            tracker=MlflowTracker(tracking_uri(settings, home)),
            sources=(ArxivSource(), OpenAlexSource()),
            clock=opened.clock,
            base_image=base_image,
            output_cap_mb=settings.output_cap_mb,
            skills=skills_of(opened),
            mcp=ConfiguredServers(settings.mcp, sandboxes, base_image),
            forge=build_forge(settings.forge, repositories),
            redact=redact,
            tracer=tracer,
            broker=broker,
        )
        crew = Crew.of(judge, embedder)
        holder = f"{os.uname().nodename}:{os.getpid()}"

        def worker(assume_yes: bool) -> Worker:
            return Worker(crew, bench, settings, holder=holder, assume_yes=assume_yes)

        def drafter(tell: Say) -> "Advances":
            from graphs.drafting.drafter import Drafter

            return Drafter(crew, bench, settings, holder=holder, say=tell)

        def evolver(assume_yes: bool, tell: Say) -> "Evolver":
            from agents.evolution.proposers import proposers
            from graphs.evolution.evolver import Evolver
            from labcrew.counted import CountedChat

            chat = crew.judge.model_for("evolution.proposal")
            asked = CountedChat(chat, settings.prices) if chat is not None else None
            return Evolver(
                bench,
                proposers(chat=asked),
                holder=holder,
                lease_s=settings.lease_s,
                say=tell,
                assume_yes=assume_yes,
                asked=asked,
            )

        work = Work(bench=bench, crew=crew, rules=crew.without_models())
        yield AtWork(bench, work, worker, drafter, evolver)


class _Elsewhere:
    """The memory of a home that another process may own: nothing is asked of it."""

    def remember(self, records: "list[MemoryRecord]") -> None:
        raise self._refusal()

    def recall(self, scope: str, query: str, **more: Any) -> "list[Recalled]":
        raise self._refusal()

    def count(self, scope: str) -> int:
        raise self._refusal()

    def clear(self) -> None:
        raise self._refusal()

    @staticmethod
    def _refusal() -> LabcrewError:
        return LabcrewError("The memory belongs to the process that works on this home.")


def redaction(settings: Settings) -> Redaction:
    """Takes out what looks like a secret, the environment's, and the keys that settings hold."""
    keys = [model.api_key for model in settings.models.values()]
    keys += [server.token for server in settings.mcp.values()]
    held = [key.get_secret_value() for key in keys if key is not None]
    named = os.environ.get(settings.forge.token_variable, "")
    return Redaction([*secrets_of(os.environ), *held, named])


def skills_of(opened: Opened) -> "tuple[Skill, ...]":
    """The lab's skills, of its home and of the folder that settings name.

    Raises SkillError, SettingsError.
    """
    from labcrew.skills.folder import read_skills, refuse_inside

    folders = [opened.home.skills]
    if opened.settings.skills_folder is not None:
        named = given_path(opened.settings.skills_folder)
        if not named.is_dir():
            raise SettingsError(
                f"Setting skills_folder: {named} is no folder.",
                "Make it, or leave it out.",
            )
        refuse_inside(named, (Path(t.repository) for t in opened.ledger.tickets.all()))
        folders.append(named)
    return read_skills(folders)


def tracking_uri(settings: Settings, home: Home) -> str:
    """Where MLflow writes: the setting, else MLFLOW_TRACKING_URI, else the home's own store."""
    return settings.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or home.tracking_url


def halt(opened: Opened, ticket: str) -> int:
    """Ends the containers of a ticket that was stopped; answers how many ran.

    Raises:
        EngineError: the engine does not answer, so they may still run.
    """
    from sandboxes.docker_sandboxes import DockerSandboxes
    from sandboxes.git.repositories import GitRepositories

    repositories = GitRepositories(opened.home.repositories)
    with closing(DockerSandboxes(opened.home.id, repositories)) as sandboxes:
        running = [s.name for s in sandboxes.list(ticket) if s.state == "running"]
        for name in running:
            sandboxes.stop(name)
    return len(running)


def _unless_there(say: Say) -> Say:
    """Leaves out that nothing needed doing."""
    return lambda text: None if "nothing to do" in text else say(text)
