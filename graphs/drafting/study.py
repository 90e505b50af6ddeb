"""What is known of one draft while it is made, and the steps that find out more; each done once."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agents.drafting.accounts import accounts
from agents.drafting.asking import answered, questions
from agents.drafting.commands import candidates, run_line
from agents.drafting.environment import EnvironmentStep
from agents.drafting.knowledge import changed, knowledge_id, rests_on
from agents.drafting.observing import observe
from graphs.crew import Crew
from graphs.remembering import remember
from labcrew.domain.base import content_hash
from labcrew.domain.draft import (
    Candidate,
    Chosen,
    Draft,
    DraftStatus,
    FirstRun,
    Guess,
    InstallTry,
    Knowledge,
    Noise,
    Option,
    Options,
    Trouble,
)
from labcrew.domain.remembered import record_of_knowledge
from labcrew.domain.research import AgentName
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.search_space import Values
from labcrew.domain.survey import EntryPoint, Setting, Survey
from labcrew.domain.ticket import Ticket
from labcrew.errors import BoundaryError, NotFound
from labcrew.judgement import Judgement
from tools.facts import install_effect
from tools.first_run import FirstRunCall, first_run, lines_of, texts_of
from tools.install_environment import InstallEnvironment, install_environment
from tools.make_change import render_settings, settings_overlay
from tools.read_help import ReadHelp, read_help
from tools.survey_repository import SurveyRepository, survey_repository
from tools.toolbox import Toolbox, Workbench

_OTHERS = 4
_HELP_S = 20.0


@dataclass(frozen=True)
class RunLimits:
    """How long the runs of a draft may take; what a run printed until then counts.

    Args:
        first_s: seconds of a first run, shortened where the program offers a way to.
        whole_s: seconds of a whole run, and of each repeat.
        repeated_s: seconds of the longest whole run that is repeated whole.
    """

    first_s: float = 180.0
    whole_s: float = 900.0
    repeated_s: float = 300.0


@dataclass
class Study:
    """One draft in the making: what a run of the machine knows, found in the ledger or done now.

    Args:
        draft: as it stood when the run began.
        bench: adapters; its ledger is fenced by the draft's lease.
        crew: the agents.
        say: is told in plain words what is being done.
        limits: of its runs.
    """

    draft: Draft
    bench: Workbench
    crew: Crew
    say: Callable[[str], None] = lambda _text: None
    limits: RunLimits = field(default_factory=RunLimits)
    survey: Survey = field(default_factory=lambda: Survey(files=0))
    committed_at: str = ""
    known: Knowledge | None = None
    ranked: tuple[Candidate, ...] = ()
    position: int = 0
    mends: int = 0
    candidate: Candidate | None = None
    step: EnvironmentStep | None = None
    installed: InstallTry | None = None
    installs: list[InstallTry] = field(default_factory=list)
    tries: list[InstallTry] = field(default_factory=list)
    runs: list[FirstRun] = field(default_factory=list)
    guesses: dict[str, Guess] = field(default_factory=dict)
    asked: dict[str, Options] = field(default_factory=dict)
    failures: list[tuple[Candidate, Trouble]] = field(default_factory=list)
    metric: dict[str, Any] = field(default_factory=dict)
    direction: str = ""
    same: list[FirstRun] = field(default_factory=list)
    others: list[FirstRun] = field(default_factory=list)
    noise: Noise | None = None

    @property
    def entry(self) -> EntryPoint | None:
        """The entry point that is being tried."""
        path = self.candidate.entry if self.candidate else ""
        return next((entry for entry in self.survey.entries if entry.path == path), None)

    def tools(self, agent: AgentName, step: str) -> Toolbox[Draft]:
        """An agent's hands for one step of the draft."""
        return Toolbox(agent=agent, assigned=self.draft, bench=self.bench, step=step)

    async def choose(self, judgement: Judgement[Options, Chosen], options: Options) -> Option:
        """The answer of the person, else of a model or the rule; kept as a guess of the draft."""
        self.asked[options.field] = options
        if options.field in self.draft.answers:
            option, guess = answered(
                options, self.draft.answers[options.field], self.draft.asked_by
            )
            self.guesses[options.field] = guess
            return option

        async def ask() -> dict[str, Any]:
            verdict = await self.crew.judge.ask(judgement, options)
            return {"chosen": verdict.answer.model_dump(mode="json"), "by": verdict.by}

        kept = await self._once(f"judged/{content_hash(options)[:16]}", {}, ask)
        chosen = Chosen.model_validate(kept["chosen"])
        option = options.options[chosen.index]
        others = [o for i, o in enumerate(options.options) if i != chosen.index]
        self.guesses[options.field] = Guess(
            field=options.field,
            value=option.value,
            confidence=chosen.confidence,
            because=chosen.because,
            evidence=option.evidence,
            others=tuple(others[:_OTHERS]),
            by=str(kept["by"]),
        )
        return option

    async def read(self) -> Survey:
        """Reads the repository."""
        self.say("Reading the repository …")
        tools = self.tools("coordinator", "survey")

        async def read() -> dict[str, Any]:
            found = await tools.use(survey_repository, SurveyRepository())
            return found.model_dump(mode="json")

        return Survey.model_validate(await self._once("survey", {}, read))

    async def install(self, step: EnvironmentStep) -> InstallTry:
        """Tries an environment."""
        for known in self.installs:
            if known.environment == step.environment:
                return known.model_copy(update={"variables": step.variables})
        number = len(self.installs)
        self.say(f"Installing, try {number + 1}: {step.because}")
        tools = self.tools("experiment_launcher", f"install/{number}")
        call = InstallEnvironment(
            number=number,
            environment=step.environment,
            because=step.because,
            variables=step.variables,
        )

        async def install() -> dict[str, Any]:
            found = await tools.use(install_environment, call)
            return found.model_dump(mode="json")

        key = install_effect(self.draft.id, content_hash([number, content_hash(step)]))
        payload = {"environment": step.environment.model_dump(mode="json")}
        found = InstallTry.model_validate(await self._effect(key, payload, install))
        self.installs.append(found)
        return found

    async def hashes(self) -> dict[str, str]:
        """Path → content hash of the files that the candidate rests on."""
        entry, repositories = self.entry, self.bench.repositories
        paths = rests_on(self.survey, entry) if entry is not None else ()

        def read() -> dict[str, str]:
            found = {}
            for path in paths:
                with suppress(NotFound, BoundaryError):
                    raw = repositories.read(self.draft.id, self.draft.base_commit, path)
                    found[path] = hashlib.sha256(raw).hexdigest()
            return found

        return await asyncio.to_thread(read)

    async def recall(self) -> Knowledge | None:
        """What an earlier draft learnt of the candidate's program, if it still holds."""
        if self.entry is None:
            return None
        id = knowledge_id(self.draft.repository, self.entry.path)
        known = self.bench.ledger.knowledge.find(id)
        if known is None or known.draft == self.draft.id:
            return None
        lapsed = changed(known, await self.hashes())
        if lapsed:
            self.say(f"What {known.draft} learnt has lapsed: {', '.join(lapsed[:3])} changed.")
            return None
        self.say(f"{known.draft} ran this program before, at {known.commit[:12]}.")
        return known

    async def keep(self, noise: Noise | None) -> None:
        """Keeps what was learnt for the next draft, in the ledger and in memory."""
        if self.entry is None or self.candidate is None or self.installed is None:
            return
        known = Knowledge(
            id=knowledge_id(self.draft.repository, self.entry.path),
            draft=self.draft.id,
            repository=self.draft.repository,
            commit=self.draft.base_commit,
            files=await self.hashes(),
            environment=self.installed,
            candidate=self.candidate,
            noise=noise,
            learnt_at=self.draft.asked_at,
        )
        self.bench.ledger.knowledge.put(known, actor="experiment_launcher")
        await remember(self.bench, self.draft.id, [record_of_knowledge(known)])

    def use(self, installed: InstallTry) -> None:
        """Takes an environment for the candidate, with the variables that its runs need."""
        self.installed = installed
        if self.candidate is not None:
            run = self.candidate.run
            variables = {**installed.variables, **run.environment}
            run = run.model_copy(update={"environment": variables})
            self.candidate = self.candidate.model_copy(update={"run": run})

    async def learn_options(self) -> None:
        """Asks a program that no parser reads for its options, by --help."""
        entry, image = self.entry, self.installed.image if self.installed else ""
        if entry is None or entry.settings or entry.kind not in ("program", "shell"):
            return
        self.say(f"Its options: {entry.command} --help")
        tools = self.tools("experiment_launcher", "help")
        key = content_hash([entry.command, image])[:16]
        call = FirstRunCall(
            id=f"{self.draft.id}-help-{key}",
            image=image,
            command=f"{entry.command} --help",
            timeout_s=_HELP_S,
        )

        async def ask() -> dict[str, Any]:
            seen = await tools.use(first_run, call)
            lines = lines_of(self.bench.home, self.draft.id, seen.id)
            text = "\n".join(line.text for line in lines)[:200_000]
            found = await tools.use(read_help, ReadHelp(text=text)) if text else ()
            return {"settings": [setting.model_dump(mode="json") for setting in found]}

        kept = await self._once(f"help/{key}", {"command": call.command}, ask)
        found = tuple(Setting.model_validate(one) for one in kept["settings"])
        if not found:
            return
        entries = tuple(
            one.model_copy(update={"settings": found}) if one == entry else one
            for one in self.survey.entries
        )
        self.survey = self.survey.model_copy(update={"entries": entries})
        again = candidates(self.survey, self.draft.sentence, {})
        own = next((one for one in again if one.entry == entry.path), None)
        if own is not None and self.installed is not None:
            self.candidate = own
            self.use(self.installed)

    async def run(self, values: Values, seed: int, *, timeout_s: float, again: int = 0) -> FirstRun:
        """Runs the candidate once.

        Args:
            values: settings; none: as it is.
            seed: as the candidate takes one.
            timeout_s: seconds until it is stopped; what it printed until then counts.
            again: which repeat of the very same run.
        """
        candidate, image = self.candidate, self.installed.image if self.installed else ""
        assert candidate is not None
        tools = self.tools("experiment_launcher", "first_run")
        command, variables, written = run_line(candidate, values, seed)
        overlay: tuple[OverlayFile, ...] = ()
        edit = settings_overlay(candidate.settings, values, seed)
        if edit is not None:
            overlay = ((await tools.use(render_settings, edit)).file,)
        key = content_hash([candidate.entry, command, variables, written, image, again])[:16]
        call = FirstRunCall(
            id=f"{self.draft.id}-{key}",
            image=image,
            command=command,
            environment=variables,
            overlay=overlay,
            outputs=candidate.outputs,
            timeout_s=timeout_s,
        )

        async def start() -> dict[str, Any]:
            return (await tools.use(first_run, call)).model_dump(mode="json")

        kept = await self._once(f"run/{key}", {"command": command, "seed": seed}, start)
        run = FirstRun.model_validate(kept).model_copy(update={"values": values, "seed": seed})
        home = self.bench.home
        return await asyncio.to_thread(
            lambda: observe(
                run,
                lines_of(home, self.draft.id, run.id),
                texts_of(home, self.draft.id, run.id),
                outputs=candidate.outputs,
                traits=self.entry.traits if self.entry else (),
            )
        )

    def finish(
        self, ticket: Ticket, guesses: Sequence[Guess], left_out: Sequence[str] = ()
    ) -> None:
        """Writes the draft down, with what a person is to be asked.

        Args:
            left_out: what else a person should know, a paragraph each.

        With `assume_yes` the questions are kept beside the ticket, unasked.
        """
        asked = questions(self.asked, self.guesses)
        status: DraftStatus = "asking" if asked and not self.draft.assume_yes else "written"
        account = (*accounts(self.installs, self.failures, self.runs, self.noise), *left_out)
        self._put(status, ticket=ticket, guesses=tuple(guesses), questions=asked, account=account)

    def fail(self, trouble: Trouble) -> None:
        """Writes down why there is no ticket, and what a person can supply."""
        self._put("failed", trouble=trouble, guesses=tuple(self.guesses.values()))

    def _put(self, status: DraftStatus, **fields: Any) -> None:
        draft = self.draft.model_copy(update={"status": status, **fields})
        self.bench.ledger.drafts.put(draft, actor="coordinator", kind=f"draft.{status}")

    async def _once(
        self, step: str, payload: dict[str, Any], perform: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        return await self._effect(f"{self.draft.id}/{step}", payload, perform)

    async def _effect(
        self, key: str, payload: dict[str, Any], perform: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        async def find() -> dict[str, Any] | None:
            return None  # each is safe to do again: by name, or it changes nothing

        return await self.bench.ledger.once_async(key, self.draft.id, payload, perform, find)
