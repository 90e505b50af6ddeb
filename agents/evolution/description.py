"""The merge request of a loop: what was kept, what each part brings, and how sure that is."""

from collections import Counter
from collections.abc import Sequence

from agents.evolution.keeping.scope import bounds_told
from labcrew.domain.evolution import Comparison, Evolution, Round, ScoredRun
from labcrew.domain.experiment import Score
from labcrew.domain.measuring import Metric
from labcrew.domain.review import Evidence, MergeRequest, Verdict
from labcrew.errors import EvidenceError
from labcrew.evidence import as_text, fill, number, table

PLOT = "progress.svg"


def metric_of(evolution: Evolution) -> Metric:
    """The loop's score as merge requests know a metric."""
    scale = evolution.scale
    return Metric(name=scale.name, direction=scale.direction)


def scores_of(evolution: Evolution, runs: Sequence[ScoredRun], commit: str) -> tuple[Score, ...]:
    """Scored runs as evidence."""
    return tuple(
        Score(
            value=run.score,
            split=run.split,
            source="evaluator",
            trial=run.id,
            commit=commit,
            data_sha256="",
            outputs_sha256=run.output_sha256,
            seed=run.seed,
            image_digest=evolution.image,
            evaluator_sha256=run.scorer_sha256,
        )
        for run in runs
    )


def compose(
    evolution: Evolution,
    rounds: Sequence[Round],
    baseline: Sequence[ScoredRun],
    final: Sequence[ScoredRun],
    *,
    branch: str,
    rounds_branch: str,
    commit: str,
) -> MergeRequest:
    """The merge request; the same ledger gives the same words.

    Args:
        evolution: with its sealed result.
        rounds: all that ended.
        baseline: sealed runs of the program as it was.
        final: sealed runs of what the gate chose.
        branch: of the kept changes.
        rounds_branch: of every round.
        commit: the branch's.

    Raises:
        EvidenceError: the sealed split was not opened.
    """
    sealed = evolution.sealed
    if sealed is None:
        raise EvidenceError(f"{evolution.id} has no sealed result.")
    metric = metric_of(evolution)
    old = scores_of(evolution, baseline, evolution.base_commit)
    new = scores_of(evolution, final, commit)
    evidence: tuple[Evidence, ...] = (
        number(metric, "sealed_baseline", "mean", old),
        number(metric, "sealed_final", "mean", new),
        number(metric, "sealed_gain", "gain", new, old),
    )
    template = "\n\n".join(part for part in _parts(evolution, rounds, final, rounds_branch) if part)
    gain = sealed.comparison
    verdict: Verdict = "improves" if gain.low > 0 else "no_gain"
    return MergeRequest(
        id=f"{evolution.id}-MR0",
        ticket=evolution.id,
        revision=0,
        title=f"{evolution.spec.title}: {len(evolution.kept)} changes kept of {len(rounds)} rounds",
        branch=branch,
        target=evolution.target_branch,
        base_commit=evolution.base_commit,
        commit=commit,
        template=template,
        description=fill(template, evidence),
        evidence=evidence,
        plots=(PLOT,),
        gain=gain.gain,
        verdict=verdict,
    )


def interval(comparison: Comparison) -> str:
    """A gain with its interval and the confidence of its lower bound."""
    return (
        f"{comparison.gain:+.4g} [{comparison.low:+.4g}, {comparison.high:+.4g}]"
        f" ({comparison.level:.4g}, one-sided)"
    )


def _parts(
    evolution: Evolution, rounds: Sequence[Round], final: Sequence[ScoredRun], rounds_branch: str
) -> list[str]:
    return [
        _result(evolution),
        _without_a_score(final),
        f"![Gate score by round]({PLOT})",
        _kept(evolution, rounds),
        _doubts(evolution),
        _account(rounds, rounds_branch),
    ]


def _result(evolution: Evolution) -> str:
    sealed, scale = evolution.sealed, evolution.scale
    assert sealed is not None
    cases = sealed.comparison.pairs // sealed.seeds
    steady = evolution.noise is not None and evolution.noise.deterministic
    relative = f", {sealed.relative:+.1%} of the baseline" if sealed.relative is not None else ""
    sure = (
        "The lower bound is above zero."
        if sealed.comparison.low > 0
        else "**The lower bound is not above zero: this is no proven gain.**"
    )
    return (
        "## Result on the sealed split\n\n"
        f"{scale.name} ({scale.direction}) from {{{{sealed_baseline}}}} to {{{{sealed_final}}}}:"
        f" a gain of {{{{sealed_gain}}}}{relative}; {interval(sealed.comparison)}, over"
        f" {sealed.comparison.pairs} pairs of case and seed ({sealed.seeds} seeds). {sure}"
        f" {bounds_told(evolution.spec.keep, cases, deterministic=steady)} The split was opened"
        " once, after the last round; the change was chosen on the gate split."
    )


def _without_a_score(final: Sequence[ScoredRun]) -> str:
    """That runs of the result could not be scored, and why the first could not; empty: all were."""
    lacking = [run for run in final if run.status == "unscored"]
    if not lacking:
        return ""
    return (
        f"**{len(lacking)} of its {len(final)} runs could not be scored and have the worst score"
        f" there is**: {as_text(lacking[0].why)}"
    )


def _kept(evolution: Evolution, rounds: Sequence[Round]) -> str:
    if not evolution.kept:
        return "## Kept\n\nNo change was kept: the branch holds the program as it was."
    by_number = {round_.number: round_ for round_ in rounds}
    rows = []
    for kept in evolution.kept:
        round_ = by_number[kept.round]
        proposer = round_.proposal.proposer if round_.proposal else ""
        alone = "no score without it counts" if kept.unscored else "it can't be left out alone"
        left = interval(kept.left_out) if kept.left_out else alone
        retest = interval(round_.retest or round_.first) if round_.first else ""
        rows.append((str(kept.round), as_text(kept.title), as_text(proposer), retest, left))
    head = ("round", "change", "proposer", "gain when kept", "gain now, by leaving it out")
    chosen = evolution.noise is not None and evolution.noise.parted
    luck = (
        "\n\nBoth gains are over the gate cases by which changes are kept, and runs never differ:"
        " they are the better for luck. By the sealed split nothing was chosen."
    )
    return "## Kept\n\n" + table(head, rows) + luck * chosen


def _doubts(evolution: Evolution) -> str:
    sealed, noise = evolution.sealed, evolution.noise
    assert sealed is not None
    assert noise is not None
    optimism = evolution.scale.gain(sealed.hindsight, sealed.final)
    return (
        "## How far to trust it\n\n"
        f"- Noise (the program against itself): a pair differs by {noise.std:.4g} (standard"
        f" deviation); {noise.seen}.\n"
        f"- Of {sealed.opened} programs scored on the sealed split, the best by hindsight has"
        f" {sealed.hindsight:.4g}: {optimism:.4g} better than the one chosen by the gate, whose"
        " figure is the one above.\n"
        f"- On the gate {'cases of first looks' if noise.parted else 'split'}, by which it was"
        f" chosen, the final program has {sealed.gate:.4g}."
    )


def _account(rounds: Sequence[Round], rounds_branch: str) -> str:
    verdicts = Counter(round_.verdict for round_ in rounds)
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    seconds = sum(round_.seconds for round_ in rounds)
    own = sum(round_.own_seconds for round_ in rounds)
    tokens = sum(round_.model_tokens for round_ in rounds)
    return (
        f"## Rounds\n\n{len(rounds)} rounds: {told or 'none'}; {seconds / 3600:.2f} hours of"
        f" evaluation, {own / 3600:.2f} hours of everything else, {tokens:,} tokens of models."
        f" Every round that ran is a commit on `{rounds_branch}`."
    )
