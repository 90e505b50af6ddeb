"""Puts a ticket together from what was found, every field with its guess."""

from collections.abc import Sequence
from typing import Any

from agents.drafting.asking import doubtful
from agents.drafting.directions import named
from agents.drafting.evaluators import Holdout
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.draft import Candidate, Draft, Guess, InstallTry, Noise
from labcrew.domain.measuring import Evaluator, Metric
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.running import Settings
from labcrew.domain.search_space import Parameter
from labcrew.domain.survey import EntryPoint, Place, Survey
from labcrew.domain.ticket import Doubt, Ticket
from labcrew.plain_text import is_plain

_TITLE = 120
_DEFAULTS = (".py", ".yaml", ".yml", ".json", ".toml")


class Found(Model):
    """What a draft has found out.

    Args:
        metric: the chosen value of `metric_options`.
        space: parameter → its range.
        guesses: what was chosen so far, by field.
        doubts: what a person must know beside the guesses.
    """

    draft: Draft
    survey: Survey
    entry: EntryPoint
    candidate: Candidate
    installed: InstallTry
    metric: dict[str, Any]
    direction: str
    evaluator: Evaluator | None
    holdout: Holdout
    space: dict[str, Parameter]
    budget: Budget
    seeds: tuple[int, ...]
    timeout_s: float
    stall_s: float
    noise: Noise | None
    guesses: tuple[Guess, ...]
    doubts: tuple[Doubt, ...] = ()


def compose(found: Found) -> tuple[Ticket, tuple[Guess, ...]]:
    """The ticket, and its guesses with those that follow from what was found.

    Raises ValueError where no ticket can be made of it (nothing to tune).
    """
    guesses = (*found.guesses, *_more_guesses(found))
    doubts = [*found.doubts]
    told = {doubt.field for doubt in doubts}
    doubts += [
        Doubt(field=guess.field, confidence=guess.confidence, because=guess.because[:600])
        for guess in doubtful(guesses)
        if guess.field not in told
    ]
    candidate, metric = found.candidate, found.metric
    run = candidate.run.model_copy(
        update={
            "timeout_s": found.timeout_s,
            "stall_s": found.stall_s,
        }
    )
    ticket = Ticket(
        title=_title(found.draft.sentence),
        question=found.draft.sentence,
        repository=found.draft.repository,
        commit=found.draft.base_commit,
        metric=Metric(
            name=metric["name"],
            direction="maximize" if found.direction == "maximize" else "minimize",
            file=None if found.evaluator else metric["file"],
            pattern=None if found.evaluator else metric["pattern"],
            holdout=None if found.evaluator else found.holdout.reported,
        ),
        run=run,
        settings=_written_down(found),
        search_space=found.space,
        seeds=found.seeds,
        holdout_seeds=found.holdout.seeds,
        evaluator=found.evaluator,
        environment=found.installed.environment,
        budget=found.budget,
        editable=_editable(found),
        outputs=candidate.outputs,
        doubts=tuple(doubts[:50]),
    )
    return Ticket.model_validate(ticket.model_dump()), guesses


def _title(sentence: str) -> str:
    words = " ".join(sentence.split())
    cut = words if len(words) <= _TITLE else words[: _TITLE - 1].rstrip() + "…"
    plain = "".join(character for character in cut if is_plain(character)).strip()
    return plain[:1].upper() + plain[1:] if plain else "Better results"


def _written_down(found: Found) -> Settings:
    """The candidate's settings for this space, with the file where the winner's become defaults."""
    settings = found.candidate.settings
    flags = {name: words for name, words in settings.flags.items() if name in found.space}
    settings = settings.model_copy(update={"flags": flags})
    if settings.file is not None:
        return settings
    places = [
        setting.place.path
        for setting in found.entry.settings
        if setting.name in found.space and setting.place.path.endswith(_DEFAULTS)
    ]
    if not places:
        return settings
    return settings.model_copy(update={"file": max(dict.fromkeys(places), key=places.count)})


def _editable(found: Found) -> tuple[RepositoryPath, ...]:
    file = _written_down(found).file
    return (file,) if file else ()


def _more_guesses(found: Found) -> Sequence[Guess]:
    """Guesses that were not asked as questions: the environment, seeds, budget."""
    guesses = []
    install = found.installed
    guesses.append(
        Guess(
            field="environment",
            value=install.environment.model_dump(mode="json", exclude_defaults=True),
            confidence=0.95,
            because=f"{install.because.rstrip('.')}; the program ran in it",
        )
    )
    if found.noise is not None:
        guesses.append(_seeds_guess(found, found.noise))
    return guesses


def _seeds_guess(found: Found, noise: Noise) -> Guess:
    shown = ", ".join(f"{value:g}" for value in (*noise.same_seed, *noise.other_seeds))
    if noise.deterministic and not noise.seeds_matter:
        because = f"{named(noise.metric).canonical or noise.metric} was the same in every run"
    elif noise.seeds_matter:
        because = f"it varies with the seed, by {noise.std:.3g} (standard deviation)"
    else:
        because = f"it varies from run to run by {noise.std:.3g}, whatever the seed"
    return Guess(
        field="seeds",
        value=list(found.seeds),
        confidence=0.9,
        because=because,
        evidence=(Place(path="", text=f"{noise.metric}: {shown}"[:300]),),
    )
