"""Part "output": what a program prints, on its way to a person, a model or a store."""

from evals.attacks.output import floods, shown, streams
from evals.attacks.probe import Part, in_turn

OUTPUT = Part(
    name="output",
    title="output",
    run=in_turn(streams.run, shown.run, floods.run),
    control=in_turn(streams.control, shown.control, floods.control),
    least_tried=50,
    least_breached=25,
)
