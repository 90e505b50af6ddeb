"""How a draft came about, told in paragraphs for the end of its file."""

from collections.abc import Iterator, Mapping, Sequence

from labcrew.domain.draft import Candidate, FirstRun, InstallTry, Noise, Trouble

_MOST_LEFT_OUT = 12


def accounts(
    installs: Sequence[InstallTry],
    failures: Sequence[tuple[Candidate, Trouble]],
    runs: Sequence[FirstRun],
    noise: Noise | None,
) -> tuple[str, ...]:
    """What was installed, what was tried in vain, what runs took and how they vary."""
    return tuple(_told(installs, failures, runs, noise))


def _told(
    installs: Sequence[InstallTry],
    failures: Sequence[tuple[Candidate, Trouble]],
    runs: Sequence[FirstRun],
    noise: Noise | None,
) -> Iterator[str]:
    for install in installs:
        how = "stood" if install.image else "could not be installed"
        why = f": {install.trouble.message}" if install.trouble is not None else ""
        yield f"Environment {install.number + 1}, {how} in {install.seconds:.0f} s{why}"[:600]
    for candidate, trouble in failures:
        yield f"`{candidate.run.command}` was given up: {trouble.message}"[:600]
    if runs:
        last = runs[-1]
        memory = f" and {last.memory_mb:.0f} MiB" if last.memory_mb is not None else ""
        yield f"A first run took {last.duration_s:.1f} s{memory}: `{last.command}`"[:600]
    if noise is not None:
        same = ", ".join(f"{value:g}" for value in noise.same_seed)
        others = ", ".join(f"{value:g}" for value in noise.other_seeds)
        beside = f"; with other seeds {others}" if others else ""
        whole = "" if noise.whole else " (shortened runs)"
        yield f"{noise.metric}{whole}: {same} with one seed{beside}; {noise.run_s:.1f} s a run."


def told_of_space(left_out: Mapping[str, str]) -> tuple[str, ...]:
    """What is not searched, by its reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in left_out.items():
        by_reason.setdefault(why, []).append(name)
    return tuple(
        f"Not searched, {why}: {', '.join(names[:_MOST_LEFT_OUT])}"
        + (f" and {len(names) - _MOST_LEFT_OUT} more" if len(names) > _MOST_LEFT_OUT else "")
        for why, names in by_reason.items()
    )
