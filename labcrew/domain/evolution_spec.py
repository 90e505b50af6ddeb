"""What a person asks of self-evolution: the spec, documented here and nowhere else."""

import re
from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from labcrew.domain.base import Model, content_hash
from labcrew.domain.budget import MOST_HOURS, MOST_SECONDS, MOST_USD
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.running import Environment

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

Split = Literal["analysis", "gate", "sealed", "canary"]
"""analysis: shown to proposers; gate: decides; sealed: opened once, at the end; canary: impossible,
any pass halts the loop."""

Control = Literal["", "random_search", "always_keep", "no_memory"]
"""Loops that ours is held against: blind changes of the baseline, no verdict, no history."""


class Case(Model):
    """One line of the cases' file."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    split: Split
    input: JsonValue = Field(description="what the program is given, as a JSON file")
    answer: JsonValue = Field(default=None, description="what the scorer alone is given")
    protected: bool = Field(
        default=False,
        description="in split gate: no change is kept under which it scores worse; where its own"
        " runs differ under the champion, worse by more than chance does",
    )


class Scale(Model):
    """The score of one run."""

    name: str = Field(min_length=1, max_length=80)
    direction: Literal["maximize", "minimize"] = "maximize"
    low: float = Field(description="the least score that can be true")
    high: float = Field(description="the highest; a score beyond either stops the loop")
    target: float | None = Field(default=None, description="the loop may stop at this gate mean")

    @property
    def worst(self) -> float:
        """What a run scores that failed, or left no evidence."""
        return self.low if self.direction == "maximize" else self.high

    def gain(self, new: float, old: float) -> float:
        """How much better `new` is than `old`, positive when better."""
        return new - old if self.direction == "maximize" else old - new

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) must be less than high ({self.high})")
        return self


class ModelAllowance(Model):
    """What one run may ask of the language model, through the broker."""

    calls: int = Field(default=4, ge=1, le=1000)
    tokens: int = Field(default=2000, ge=1, le=1_000_000, description="prompts counted")


class Program(Model):
    """How a candidate is run: once a case and seed, in a fresh sandbox of its own."""

    command: str = Field(
        min_length=1,
        description="run by `sh -c` in a copy of the repository; must use {input} (a JSON file) and"
        " {output} (the file to write); may use {seed}",
    )
    timeout_s: float = Field(
        default=60,
        gt=0,
        le=86400,
        description="seconds, by the host's clock, without those in which the model answers; no"
        " fewer than processor time over cpus",
    )
    memory_mb: int = Field(default=1024, ge=64)
    cpus: float = Field(default=1, gt=0)
    output_kb: int = Field(default=1024, ge=1, le=65536, description="most that {output} may hold")
    model: ModelAllowance | None = Field(
        default=None,
        description="the program asks a language model: one JSON object a line on its standard"
        ' output, {"model": {"messages": […], "temperature": …, "top_p": …, "max_tokens": …}}, is'
        ' answered by a line on its standard input, {"text": …} or {"error": …}',
    )


class Scorer(Model):
    """The judge: a command of the base commit, in a container of its own, on raw outputs."""

    command: str = Field(
        min_length=1,
        description="run by `sh -c` in a copy of the base commit; must use {runs}, a folder with"
        " one folder a run that holds case.json (input, answer, seed) and output (raw, missing"
        " where there is none), and {scores}, the JSON file to write: run's folder name →"
        ' {"score": number, "why": text}',
    )
    private: tuple[RepositoryPath, ...] = Field(
        min_length=1, description="paths that no candidate sees: the scorer itself, answers"
    )
    timeout_s: float = Field(
        default=600,
        gt=0,
        le=MOST_SECONDS,
        description="seconds for all runs that it scores at once",
    )
    memory_mb: int = Field(default=1024, ge=64)


class KeepRule(Model):
    """How sure a gain must be before a change is kept."""

    seeds: int = Field(default=1, ge=1, le=100, description="runs of each gate case, a comparison")
    retest_seeds: int = Field(
        default=3, ge=1, le=100, description="fresh runs of each, of both sides, before a keep"
    )
    sealed_seeds: int = Field(default=3, ge=1, le=100, description="runs of each sealed case")
    noise_seeds: int = Field(default=2, ge=2, le=100, description="runs of each side of the A/A")
    cases: Literal["sample", "all"] = Field(
        default="sample",
        description="what the cases are. sample: of others that the program is for, so that one"
        " whose runs never differ must gain on enough of them, of which a third is for first looks"
        " and the others for re-tests; all: all there is, so that chance is in the seeds alone",
    )
    confidence: float = Field(
        default=0.95,
        gt=0.5,
        lt=1,
        description="that no change without a gain is kept, over all",
    )
    least_gain: float = Field(default=0, ge=0, description="a gain below this is not worth a keep")
    racing: bool = Field(
        default=True, description="a candidate clearly behind after half the cases is dropped"
    )


class EvolutionBudget(Model):
    """What the loop may spend before it stops."""

    rounds: int = Field(default=100, ge=1, le=100_000)
    hours: float = Field(
        default=8,
        gt=0,
        le=MOST_HOURS,
        allow_inf_nan=False,
        description="wall clock; waiting for people not counted",
    )
    model_tokens: int = Field(default=20_000_000, ge=0, description="candidates' and proposers'")
    model_usd: float | None = Field(
        default=None,
        ge=0,
        le=MOST_USD,
        allow_inf_nan=False,
        description="by the settings' prices, which every model asked must have",
    )
    parallel: int = Field(
        default=2,
        ge=1,
        le=64,
        description="runs at once; fewer where the engine's machine has no more processors"
        " (program.cpus a run, unless it asks a model, for which it mostly waits) or memory"
        " (program.memory_mb a run)",
    )


class EvolutionSpec(Model):
    """What may be changed, how it is judged, and what it may cost: YAML above a text for people."""

    title: str = Field(min_length=1, max_length=200)
    question: str = Field(
        default="",
        max_length=200_000,
        description="what is wanted, for people: the text below the front matter",
    )
    repository: str = Field(min_length=1, description="a git repository; relative to the spec")
    commit: str = Field(default="HEAD", min_length=1)
    branch: str | None = Field(default=None, description="what a merge fast-forwards")
    editable: tuple[RepositoryPath, ...] = Field(
        min_length=1, description="path patterns; 200 files of 2 MiB in all at most"
    )
    protected: tuple[RepositoryPath, ...] = Field(
        default=(), description="path patterns that stay, though `editable` covers them"
    )
    program: Program
    scorer: Scorer
    cases: RepositoryPath = Field(
        description="JSON lines of id, split, input, answer and protected; no candidate sees the"
        " file"
    )
    metric: Scale
    environment: Environment = Environment()
    components: RepositoryPath | None = Field(
        default=None, description="a folder of ready-made parts and guidelines for proposers"
    )
    proposers: tuple[str, ...] = Field(default=(), description="default: all that can work here")
    keep: KeepRule = KeepRule()
    budget: EvolutionBudget = EvolutionBudget()
    patience: int | None = Field(
        default=None, ge=1, description="rounds without a keep after which it stops"
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for where, text, needed, allowed in (
            ("program.command", self.program.command, {"input", "output"}, {"seed"}),
            ("scorer.command", self.scorer.command, {"runs", "scores"}, set()),
        ):
            found = set(_PLACEHOLDER.findall(text))
            if lacks := needed - found:
                raise ValueError(f"{where} must contain {{{min(lacks)}}}")
            if odd := found - needed - allowed:
                raise ValueError(f"{where} uses {{{min(odd)}}}, which is not known")
        if self.repository.startswith("-") or self.commit.startswith("-"):
            raise ValueError("repository and commit must not start with '-'")
        return self

    def content_hash(self) -> str:
        """What an approval of this spec binds to."""
        return content_hash(self)
