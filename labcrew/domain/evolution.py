"""Self-evolution as the ledger has it: rounds, what candidates scored, and what was decided."""

import math
from typing import Literal, Protocol

from pydantic import Field, JsonValue

from labcrew.domain.base import Model, content_hash
from labcrew.domain.chat import Message
from labcrew.domain.commission import Commission
from labcrew.domain.evolution_spec import Control, EvolutionSpec, KeepRule, Scale, Split
from labcrew.domain.sandbox import OverlayFile

RunStatus = Literal[
    "ok",
    "crashed",
    "timed_out",
    "out_of_memory",
    "no_output",
    "bad_output",
    "over_allowance",
    "unscored",
]
"""How a run ended; every status but ok scores the worst there is."""


class CodeFile(Model):
    """One editable file of a candidate, whole."""

    path: str
    text: str

    def overlay(self) -> OverlayFile:
        """The file as a sandbox is given it."""
        return OverlayFile(path=self.path, content=self.text.encode())


def code_hash(files: tuple[CodeFile, ...]) -> str:
    """Names a program by its editable files, in whatever order they come."""
    return content_hash([[f.path, f.text] for f in sorted(files, key=lambda f: f.path)])


class ModelRequest(Model):
    """What a candidate asks of the language model; the same request and seed, the same answer."""

    messages: tuple[Message, ...] = Field(min_length=1, max_length=32)
    temperature: float = Field(default=0.8, ge=0, le=2)
    top_p: float = Field(default=0.95, gt=0, le=1)
    top_k: int = Field(default=40, ge=0, le=1000)
    min_p: float = Field(default=0.0, ge=0, le=1)
    repeat_penalty: float = Field(default=1.0, ge=0.5, le=2)
    max_tokens: int = Field(default=256, ge=1, le=4096)
    stop: tuple[str, ...] = Field(default=(), max_length=8)
    sample: int = Field(
        default=0, ge=0, le=1000, description="another number, another answer to the same request"
    )


class ModelAnswer(Model):
    """What the broker answers."""

    text: str
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    seconds: float = Field(ge=0, description="that the model took, when it was first asked")
    usd: float = Field(default=0, ge=0, description="by the settings' price; 0: it has none")
    cached: bool = False

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class ModelBroker(Protocol):
    """Stands between candidates and the language model: they have neither network nor key."""

    def answer(self, request: ModelRequest, seed: int) -> ModelAnswer:
        """Asks, or remembers. Blocks; safe to call from many threads.

        Raises ModelFailure, which says what was used all the same, and its price.
        """


class Job(Model):
    """One run to be made: a case under a name that says nothing, and a seed."""

    case: str = Field(description="the case's id; no candidate is told")
    alias: str = Field(description="what the run is called in sandboxes; new in every evaluation")
    input: JsonValue
    seed: int = Field(ge=0, lt=2**31)


class RawRun(Model):
    """What a run left, before anybody judged it."""

    job: Job
    status: RunStatus
    output: bytes = b""
    seconds: float = Field(
        ge=0,
        description="of the program, by the host's clock, without those in which the model"
        " answered; no fewer than its processor time over cpus",
    )
    model_calls: int = 0
    model_tokens: int = 0
    model_lost_tokens: int = Field(
        default=0, ge=0, description="of questions that went unanswered through no fault of its own"
    )
    model_usd: float = Field(default=0, description="of both")
    model_seconds: float = Field(
        default=0, ge=0, description="that the model took, when it was first asked"
    )
    said: str = Field(default="", description="the end of its standard error, cleaned: untrusted")


class EndedRun(Model):
    """A run that has ended, scored or not: it is not made again, and what it used is counted."""

    id: str = Field(description="see `run_id`")
    ticket: str = Field(description="the evolution")
    status: RunStatus
    output_sha256: str = Field(default="", description="names the output that was kept")
    seconds: float
    model_calls: int = 0
    model_tokens: int = 0
    model_lost_tokens: int = 0
    model_usd: float = 0
    model_seconds: float = 0
    said: str = Field(default="", description="untrusted, as in `RawRun`")


class ScoredRun(Model):
    """One program, one case, one seed: evaluated once, whatever asks for it again."""

    id: str = Field(description="see `run_id`")
    ticket: str = Field(description="the evolution")
    code: str = Field(description="hash of the program's editable files")
    case: str
    split: Split
    seed: int
    status: RunStatus
    score: float = Field(description="the worst there is where the run or its evidence failed")
    why: str = Field(default="", description="what the scorer, or the run's end, says of it")
    seconds: float
    model_calls: int = 0
    model_tokens: int = 0
    model_usd: float = 0
    output_sha256: str = ""
    scorer_sha256: str = ""


def run_id(evolution: str, code: str, case: str, seed: int) -> str:
    """The key under which a run is kept."""
    return f"{evolution}/{code[:20]}/{case}/{seed}"


def seed_of(case: str, seed: int) -> int:
    """A case's own seed, drawn from one of an evaluation's.

    No two cases share one: a program that lets its seed decide everything would otherwise be lucky
    on all cases at once, and as many pairs would say no more than one.
    """
    return int(content_hash([case, seed])[:8], 16) % 2**31


class Pair(Model):
    """One case and seed, run by both sides."""

    case: str
    seed: int
    champion: float
    candidate: float


class Comparison(Model):
    """How a candidate stands against the champion, over pairs."""

    pairs: int
    gain: float = Field(description="mean, positive when better")
    low: float = Field(description="lower confidence bound of the gain, at `level`")
    high: float
    level: float = Field(description="one-sided confidence, corrected for the number of looks")
    better: int = Field(description="pairs in which the candidate was better")
    worse: int


class NoiseFloor(Model):
    """What two runs of the same program differ by (A/A), and what that lets be seen."""

    pairs: int
    std: float = Field(ge=0, description="standard deviation of a pair's difference")
    case_std: float = Field(ge=0, description="of a case's mean score over seeds, between cases")
    mean: float = Field(description="the baseline's mean score on the cases of first looks")
    difference: float = Field(description="A minus A: its size is chance alone")
    detectable: float = Field(
        ge=0, description="least gain that is kept 4 times in 5, first look and first re-test both"
    )
    needed: int = Field(
        ge=0, description="pairs a re-test needs to keep `worthwhile`; 0: it can't be seen at all"
    )
    worthwhile: float = Field(description="the gain that `needed` is told for")
    deterministic: bool
    parted: bool = Field(
        default=False,
        description="re-tests have gate cases of their own, which no first look sees; in loops of"
        " before labcrew did so, none have",
    )

    @property
    def seen(self) -> str:
        """Which gain it lets be seen; where chance is in the cases alone, it can't tell."""
        if self.deterministic:
            return "its runs never differ"
        return f"a gain of {self.detectable:.4g} is kept 4 times in 5"

    def band(self, keep: KeepRule) -> float:
        """What a first look at the same program differs from the mean by, 19 times in 20.

        Both vary: that look's runs of each case, and the ones of both sides that the mean is of.
        """
        looked = self.pairs * keep.seeds / keep.noise_seeds
        if not looked:
            return 0.0
        return 1.96 * self.std * math.sqrt((1 / looked + 1 / (2 * self.pairs)) / 2)


class Failure(Model):
    """A case that the champion fails, and why: what proposers are shown."""

    case: str
    score: float
    status: RunStatus
    why: str = Field(description="untrusted: what the scorer and the run said")
    output: str = Field(default="", description="untrusted: the beginning of its raw output")


class Analysis(Model):
    """What goes wrong with the champion, by kind of failure; cases of the analysis split alone."""

    mean: float
    failures: tuple[Failure, ...] = Field(description="the worst first")
    kinds: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="kind of failure → its cases"
    )
    summary: str


class Proposal(Model):
    """A change that a proposer would try."""

    proposer: str
    title: str = Field(max_length=200)
    rationale: str = Field(max_length=4000)
    files: tuple[CodeFile, ...] = Field(description="the whole program: every editable file")
    values: dict[str, JsonValue] = Field(
        default_factory=dict, description="what was set, for a proposer that learns from results"
    )
    parents: tuple[str, ...] = Field(default=(), description="code hashes that it was made from")
    tokens: int = Field(default=0, ge=0, description="of a model that wrote it")

    @property
    def code(self) -> str:
        return code_hash(self.files)


Verdict = Literal["kept", "reverted", "refused", "dropped", "halted"]
"""refused: by the screen, never run; dropped: clearly behind after half the cases; halted: it
passed what nobody can."""
RoundStatus = Literal["analysed", "proposed", "screened", "evaluated", "decided", "noted"]


class Round(Model):
    """One turn of the loop; written again at every step, so that a killed loop goes on inside."""

    id: str = Field(description="see `round_id`")
    ticket: str = Field(description="the evolution")
    number: int = Field(ge=1)
    status: RoundStatus
    champion: str = Field(description="code that stood when it began")
    look: int = Field(
        default=0,
        ge=0,
        description="how many looks there were, this one too: re-tests, or rounds where runs never"
        " differ and cases are a sample; 0: no re-test",
    )
    analysis: Analysis
    proposal: Proposal | None = None
    commit: str = Field(default="", description="of the change, on the rounds' branch")
    tip: str = Field(default="", description="that branch's head after it, a revert's perhaps")
    screen: str = Field(default="", description="why it was refused; empty: it passed")
    first: Comparison | None = None
    retest: Comparison | None = None
    verdict: Verdict | None = None
    reason: str = Field(default="", description="of the verdict, in plain words")
    score: float | None = Field(default=None, description="gate mean of the first look")
    seconds: float = Field(default=0, description="its evaluations took")
    own_seconds: float = Field(default=0, description="all else took")
    model_tokens: int = 0
    note: str = Field(default="", description="what was learnt")
    criticism: str = Field(default="", description="what of this round's own reasoning was wrong")
    began_at: str = Field(description="ISO 8601, UTC")
    ended_at: str = ""


def round_id(evolution: str, number: int) -> str:
    """A round's name."""
    return f"{evolution}-R{number:04d}"


class Kept(Model):
    """A change that was kept, and what it brings: the result without it, against the result."""

    round: int
    title: str
    left_out: Comparison | None = Field(
        default=None,
        description="final over final without it, gate; None: it can't be left out, or can't be"
        " scored then",
    )
    own_seeds: bool = Field(
        default=False,
        description="whether that was run on seeds of its own; false, in older records: on those"
        " of the re-tests, on which the final program had withstood its rivals",
    )
    unscored: str = Field(
        default="", description="why no score without it counts; empty: one does, or there is none"
    )


class Sealed(Model):
    """The sealed split, opened once: baseline against what the gate chose."""

    comparison: Comparison
    baseline: float
    final: float
    relative: float | None = Field(description="gain over the baseline's mean; None: it is zero")
    seeds: int
    hindsight: float = Field(
        description="sealed mean of the program that sealed scores would have picked, of those"
        " opened: what stands above `final` is optimism, and of all rounds there is no less"
    )
    opened: int = Field(
        description="programs that were scored on the sealed split: the baseline, all that were"
        " kept, and the best by gate score of what was reverted"
    )
    gate: float = Field(description="the final program's gate mean, as first looks see it")


EvolutionStatus = Literal["assigned", "running", "waiting", "paused", "stopped", "done", "failed"]
HALTED: tuple[EvolutionStatus, ...] = ("paused", "stopped")
"""By a person."""


class Spent(Model):
    """What a loop had used at some moment."""

    seconds: float = Field(default=0, description="worked")
    evaluated_seconds: float = Field(default=0, description="of them, those of evaluations")
    model_tokens: int = Field(default=0, description="candidates' and proposers'")


class Evolution(Commission):
    """The ledger's record of a loop."""

    spec: EvolutionSpec
    source: str
    started_by: str
    started_at: str = Field(description="ISO 8601, UTC")
    target_branch: str | None
    control: Control = ""
    secret: str = Field(description="what seeds and aliases are drawn from; hexadecimal")
    status: EvolutionStatus = "assigned"
    outcome: str = ""
    image: str = ""
    scorer_sha256: str = ""
    baseline: tuple[CodeFile, ...] = ()
    champion: tuple[CodeFile, ...] = ()
    champion_round: int = Field(default=0, description="0: the baseline")
    noise: NoiseFloor | None = None
    rounds: int = Field(default=0, description="that have ended")
    seconds: float = Field(default=0, description="worked so far")
    evaluated_seconds: float = Field(default=0, description="of them, those of evaluations")
    model_tokens: int = Field(default=0, description="used so far: candidates' and proposers'")
    model_usd: float = Field(default=0, description="of them, those of models that have a price")
    before_round: Spent = Field(default=Spent(), description="when the round under way began")
    sealed: Sealed | None = None
    kept: tuple[Kept, ...] = ()
    widened: tuple[str, ...] = Field(
        default=(), description="paths beyond `editable` that a person let it change"
    )

    @property
    def scale(self) -> Scale:
        return self.spec.metric

    @property
    def spent(self) -> Spent:
        """What it has used so far."""
        return Spent(
            seconds=self.seconds,
            evaluated_seconds=self.evaluated_seconds,
            model_tokens=self.model_tokens,
        )
