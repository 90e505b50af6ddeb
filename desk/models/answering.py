"""Which models answer what: from settings to a judge."""

from collections.abc import Iterable, Mapping
from typing import get_args

from desk.models.endpoint import EndpointChat
from desk.models.fallback import FallbackChat
from desk.models.retrying import RetryingChat
from labcrew.domain.chat import ChatModel
from labcrew.domain.research import AgentName
from labcrew.errors import SettingsError
from labcrew.judgement import Judge
from labcrew.settings import ModelSettings, Settings

RULE = "rule"
DEFAULT = "default"
CANDIDATE = "candidate"
"""Who programs are answered by that self-evolution tries."""
_GRACE_S = 1.0


def chat_of(settings: ModelSettings) -> RetryingChat:
    """One endpoint, asked again where that helps. Raises SettingsError: it has no key."""
    return RetryingChat(
        EndpointChat(settings),
        retries=settings.retries,
        longest_wait_s=settings.retry_wait_s,
        timeout_s=settings.timeout_s,
    )


def answering(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Question, agent or "default" → names of models, first asked first; empty: the rule answers.

    A model with an agent's name, or named default, answers for it where `answering` does not say.

    Raises SettingsError: names that nobody has.
    """
    agents = (*get_args(AgentName), DEFAULT, CANDIDATE)
    made: dict[str, tuple[str, ...]] = {name: (name,) for name in settings.models if name in agents}
    for asked, names in settings.answering.items():
        _check_asked(asked, agents)
        made[asked] = _checked(asked, names, settings.models)
    used = {name for names in made.values() for name in names}
    for name in settings.models:
        if name == RULE:
            raise SettingsError("Setting models.rule: rule is what answers without a model.")
        if name not in used and name not in agents:
            raise SettingsError(
                f"Setting models.{name}: nothing is asked of it.",
                f"Name it in answering, or give it an agent's name: {', '.join(agents)}.",
            )
    return made


def asked_for(settings: Settings, question: str) -> tuple[str, ...]:
    """The names of the models that answer a question, in order; none: the rule does.

    Raises SettingsError: names that nobody has.
    """
    chains = answering(settings)
    for name in (question, question.partition(".")[0], DEFAULT):
        if name in chains:
            return chains[name]
    return ()


def described(settings: Settings) -> tuple[str, ...]:
    """Who answers what, a line each, for people. Raises SettingsError: names that nobody has."""

    def named(name: str) -> str:
        model = settings.models[name].name
        return model if name in (asked, model) else f"{name} ({model})"

    lines = []
    for asked, names in answering(settings).items():
        lines.append(f"{asked}: {', then '.join(map(named, names)) or 'the rule'}")
    return tuple(lines)


def build_models(settings: Settings) -> dict[str, ChatModel | None]:
    """Question, agent or "default" → the model that answers; None: the rule does.

    An endpoint that several name is one object: what it can't do is found out once.

    Raises SettingsError: names that nobody has, or a model without a key.
    """
    chains = answering(settings)
    used = dict.fromkeys(name for names in chains.values() for name in names)
    chats = {name: chat_of(settings.models[name]) for name in used}
    made: dict[tuple[str, ...], ChatModel | None] = {(): None}
    for names in chains.values():
        if names not in made:
            first = chats[names[0]]
            made[names] = first if len(names) == 1 else FallbackChat([chats[n] for n in names])
    return {asked: made[names] for asked, names in chains.items()}


def build_judge(settings: Settings) -> Judge:
    """The judge with the models that settings name.

    Raises SettingsError: names that nobody has, or a model without a key.
    """
    models = build_models(settings)
    if not any(models.values()):
        return Judge(models=models)
    limits = [getattr(model, "timeout_s", 0.0) for model in models.values() if model is not None]
    return Judge(
        models=models,
        attempts=max(model.attempts for model in settings.models.values()),
        timeout_s=max(limits) + _GRACE_S,
    )


def _check_asked(asked: str, agents: Iterable[str]) -> None:
    if asked in agents:
        return
    from desk.models.questions import question_names

    names = question_names()
    if asked not in names:
        raise SettingsError(
            f"Setting answering.{asked}: there is no such agent or question.",
            f"Agents: {', '.join(agents)}. Questions: {', '.join(names)}.",
        )


def _checked(
    asked: str, names: tuple[str, ...], models: Mapping[str, ModelSettings]
) -> tuple[str, ...]:
    if not names:
        raise SettingsError(f"Setting answering.{asked}: it names nothing.", "Put in 'rule'.")
    if RULE in names[:-1]:
        raise SettingsError(f"Setting answering.{asked}: after 'rule' nothing is asked.")
    asked_models = names[:-1] if names[-1] == RULE else names
    for name in asked_models:
        if name not in models:
            raise SettingsError(
                f"Setting answering.{asked}: there is no model {name}.",
                f"Known: {', '.join((*models, RULE))}.",
            )
    if len(set(asked_models)) < len(asked_models):
        raise SettingsError(f"Setting answering.{asked}: it names a model twice.")
    return asked_models
