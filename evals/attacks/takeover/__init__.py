"""The part "takeover": a scripted model in every role, judged by what it achieves."""

from evals.attacks.takeover.probes import TAKEOVER

__all__ = ["TAKEOVER"]
