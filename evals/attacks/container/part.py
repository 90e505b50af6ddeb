"""Part "container": what a program inside tries against its container and the machine under it."""

from evals.attacks.container import batches, bombs, lingering
from evals.attacks.probe import Part, in_turn

CONTAINER = Part(
    name="container",
    title="containers",
    run=in_turn(batches.run, lingering.run, bombs.run),
    control=in_turn(batches.control, lingering.control, bombs.control),
    least_tried=45,
    least_breached=8,
)
