"""What calls to chat models cost, and what they may."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.chat import Tokens

_MILLION = 1_000_000


class Price(Model):
    """What a model's tokens cost, in USD for a million."""

    prompt: float = Field(ge=0)
    cached: float | None = Field(
        default=None, ge=0, description="prompt tokens found in the endpoint's cache;"
        " default: as prompt"
    )  # fmt: skip
    completion: float = Field(ge=0)

    def of(self, tokens: Tokens) -> float:
        """What these tokens cost, in USD."""
        cached = min(tokens.cached, tokens.prompt)
        cheap = self.prompt if self.cached is None else self.cached
        cost = (tokens.prompt - cached) * self.prompt + cached * cheap
        return (cost + tokens.completion * self.completion) / _MILLION

    def at_most(self, tokens: Tokens) -> float:
        """What these tokens cost if none of them are found in a cache."""
        dearest = max(self.prompt, self.cached or 0)
        return (tokens.prompt * dearest + tokens.completion * self.completion) / _MILLION


class Limits(Model):
    """What may be spent on models; where nothing is said there is no bound."""

    tokens: int | None = Field(default=None, ge=0, description="prompts counted")
    usd: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="of models that have a price"
    )
    seconds: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="of waiting for models, calls side by side counted each",
    )

    def raised(self, more: Mapping[str, Any]) -> "Limits":
        """The same with more of some measures; what has no bound keeps none."""
        known = {measure: most for measure, most in self if most is not None}
        return Limits.model_validate(
            {measure: most + more.get(measure, 0) for measure, most in known.items()}
        )


class Bounds(Limits):
    """What may be spent on models for one ticket.

    Args:
        runs_s: seconds that its runs took, which count against its `seconds` too.
        agents: one without an entry is bound by the ticket alone.
    """

    tokens: int = Field(ge=0)
    runs_s: float = Field(default=0.0, ge=0)
    agents: dict[str, Limits] = Field(default_factory=dict)


class Amount(Model):
    """What was used.

    Args:
        usd: of the requests whose model has a price.
        unpriced: tokens of the requests whose model has none.
    """

    calls: int = 0
    tokens: Tokens = Tokens()
    usd: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0

    def plus(
        self, tokens: Tokens, usd: float | None, seconds: float = 0.0, unpriced: int = 0
    ) -> "Amount":
        """This and one call more.

        Args:
            usd: None: all of its tokens are without a price.
            unpriced: how many of them are where there is one.
        """
        return Amount(
            calls=self.calls + 1,
            tokens=Tokens(
                prompt=self.tokens.prompt + tokens.prompt,
                cached=self.tokens.cached + tokens.cached,
                completion=self.tokens.completion + tokens.completion,
            ),
            usd=self.usd + (usd or 0.0),
            unpriced=self.unpriced + (tokens.total if usd is None else unpriced),
            seconds=self.seconds + seconds,
        )
