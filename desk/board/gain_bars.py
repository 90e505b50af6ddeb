"""A gain with its interval and the noise band, as a small drawing in its own units."""

import math
import statistics
from collections.abc import Sequence

from desk.views.evolutions import RoundRow
from labcrew.domain.base import Model
from labcrew.domain.evolution import Comparison, NoiseFloor

WIDTH, HEIGHT = 140, 18
_MIDDLE, _ROOM = WIDTH / 2, WIDTH / 2 - 6
_FENCE = 4.0


class GainBar(Model):
    """Where everything stands across; no gain is in the middle, better is right.

    Args:
        at: the gain.
        low: lower bound.
        high: upper bound.
        noise: half the width of the band in which a gain is chance, 19 times in 20.
        sure: the lower bound is above zero.
        text: the same in words.
    """

    at: float
    low: float
    high: float
    noise: float
    sure: bool
    text: str
    width: int = WIDTH
    height: int = HEIGHT
    middle: float = _MIDDLE


def scale_of(rows: Sequence[RoundRow]) -> float:
    """The gain at a bar's edge, so that bars compare; a few huge ones stand at the edge."""
    sizes = sorted(
        size
        for row in rows
        if row.gain is not None
        for bound in (row.gain.low, row.gain.gain, row.gain.high)
        if math.isfinite(size := abs(bound)) and size > 0
    )
    if not sizes:
        return 1.0
    return min(sizes[-1], _FENCE * statistics.median(sizes)) or 1.0


def gain_bar(gain: Comparison | None, noise: NoiseFloor | None, edge: float) -> GainBar | None:
    """The bar of a comparison; None where nothing was compared.

    Args:
        edge: the gain at the right edge, above 0.
    """
    if gain is None:
        return None

    def across(value: float) -> float:
        share = 0.0 if math.isnan(value) else min(max(value / edge, -1.0), 1.0)
        return round(_MIDDLE + share * _ROOM, 1)

    band = 1.96 * noise.std / max(gain.pairs, 1) ** 0.5 if noise is not None else 0.0
    return GainBar(
        at=across(gain.gain),
        low=across(gain.low),
        high=across(gain.high),
        noise=round(across(band) - _MIDDLE, 1),
        sure=gain.low > 0,
        text=f"gain {gain.gain:+.4g}{_between(gain)}, {gain.pairs} pair{'s' * (gain.pairs != 1)}",
    )


def _between(gain: Comparison) -> str:
    if not math.isfinite(gain.low) or not math.isfinite(gain.high):
        return ""
    return f", from {gain.low:+.4g} to {gain.high:+.4g}"
