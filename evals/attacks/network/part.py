"""The network: what a sandbox without one, one with an allowed host, and an install can reach."""

from evals.attacks.network.control import control
from evals.attacks.network.runs import run
from evals.attacks.probe import Part

NETWORK = Part(
    name="network",
    title="the network, its proxy, installs and builds",
    run=run,
    control=control,
    least_tried=60,
    least_breached=30,
)
