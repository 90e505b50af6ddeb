"""When a loop has had its rounds: reached its target, its bounds, or the end of its patience."""

from collections.abc import Sequence

from labcrew.domain.evolution import Evolution, Round
from labcrew.domain.evolution_spec import Scale


def finish_reason(evolution: Evolution, rounds: Sequence[Round], gate: float | None = None) -> str:
    """Why no further round begins; empty: one does.

    Args:
        evolution: with what it has spent.
        rounds: that have ended.
        gate: the champion's mean on the gate split; None: not known.
    """
    spec, budget = evolution.spec, evolution.spec.budget
    if evolution.rounds >= budget.rounds:
        return f"its {budget.rounds} rounds are spent"
    if evolution.seconds >= budget.hours * 3600:
        return f"its {budget.hours:g} hours are spent"
    if evolution.model_tokens > budget.model_tokens:
        return f"its {budget.model_tokens:,} tokens of models are spent"
    if budget.model_usd is not None and evolution.model_usd > budget.model_usd:
        return f"its {budget.model_usd:g} USD for models are spent"
    kept = [round_ for round_ in rounds if round_.verdict == "kept"]
    last = kept[-1] if kept else None
    if gate is not None and at_target(spec.metric, gate):
        return f"the gate mean reached the target {spec.metric.target:g}"
    since = evolution.rounds - (last.number if last else 0)
    if spec.patience is not None and since >= spec.patience:
        return f"{since} rounds brought nothing to keep"
    return ""


def at_target(scale: Scale, gate: float) -> bool:
    """Whether a gate mean is at the target, or beyond it."""
    return scale.target is not None and scale.gain(gate, scale.target) >= 0
