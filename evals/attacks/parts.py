"""The parts of the battery; a new one is one folder, its Part in part.py, and one line here."""

from collections.abc import Sequence

from evals.attacks.container.part import CONTAINER
from evals.attacks.evolution.part import EVOLUTION
from evals.attacks.files.part import FILES
from evals.attacks.git.part import GIT
from evals.attacks.network.part import NETWORK
from evals.attacks.output.part import OUTPUT
from evals.attacks.probe import Part
from evals.attacks.takeover.part import TAKEOVER
from labcrew.errors import InputError

PARTS: tuple[Part, ...] = (CONTAINER, EVOLUTION, FILES, GIT, NETWORK, OUTPUT, TAKEOVER)


def chosen(names: Sequence[str]) -> tuple[Part, ...]:
    """The parts of those names; all for none. Raises InputError for an unknown name."""
    known = {part.name: part for part in PARTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"The battery has no part {', '.join(unknown)}.", f"Its parts: {', '.join(known)}."
        )
    return tuple(known[name] for name in dict.fromkeys(names)) or PARTS
