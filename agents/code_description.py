"""The words of a merge request about code that was written, and what its tests say."""

from collections.abc import Iterator, Sequence

from labcrew.domain.programming import Patch
from labcrew.evidence import as_code, as_text, table

_MOST_TESTS, _MOST_PLACES = 40, 20


def code(patch: Patch | None) -> Iterator[str]:
    """The sections about a patch; none where no code was written."""
    if patch is None:
        return
    yield "## Code"
    yield (
        f"Written by {as_text(patch.by)} in {patch.steps} steps"
        f" ({patch.tokens.prompt + patch.tokens.completion} tokens). In its own words, which nobody"
        f" has checked: “{as_text(patch.summary, 1000)}”"
    )
    yield from _tests(patch)
    yield from _rules(patch)
    yield from _alike(patch)
    if patch.notes:
        yield "\n".join(f"- Note: {as_text(note, 300)}" for note in patch.notes[:_MOST_PLACES])


def _alike(patch: Patch) -> Iterator[str]:
    if patch.alike_shown is None:
        yield from _places("The same pattern stands elsewhere", patch.alike)
        return
    yield from _places(
        "The same pattern stands elsewhere; the model was shown these places, and left them as they"
        " are",
        [place for place in patch.alike if place in patch.alike_shown],
    )
    yield from _places(
        "The same pattern stands elsewhere, and was not looked at",
        [place for place in patch.alike if place not in patch.alike_shown],
    )


def _places(what: str, places: Sequence[str]) -> Iterator[str]:
    if places:
        listed = "\n".join(f"- {as_text(place, 200)}" for place in places[:_MOST_PLACES])
        yield f"{what}:\n\n{listed}"


def _tests(patch: Patch) -> Iterator[str]:
    if patch.before is None or patch.after is None:
        return
    yield "## Tests"
    yield table(
        ["test that shows it", "before", "with this change"],
        [
            [
                as_code(name, 200),
                "passed" if patch.before.passed(name) else "failed",
                "passed" if patch.after.passed(name) else "**failed**",
            ]
            for name in patch.fail_to_pass[:_MOST_TESTS]
        ],
    )
    kept = sum(patch.after.passed(name) for name in patch.pass_to_pass)
    yield (
        f"Of {len(patch.pass_to_pass)} tests that passed before, {kept} pass with this change."
        " Tests run in a fresh sandbox, on the base commit and on this change; their files are not"
        " the model's to edit unless the ticket names them."
    )


def _rules(patch: Patch) -> Iterator[str]:
    told = [result for result in patch.rules if result.outcome != "not_applicable"]
    if not told:
        return
    yield "## The lab's rules"
    yield table(
        ["rule", "skill", "must", "outcome", "where"],
        [
            [
                as_text(result.rule, 200),
                as_code(f"{result.skill}:{result.line}", 80),
                "yes" if result.must else "no",
                result.outcome if result.outcome == "kept" else f"**{result.outcome}**",
                as_text("; ".join(result.where[:3]), 300),
            ]
            for result in told[:_MOST_TESTS]
        ],
    )
