"""What a detector is: one class that watches one run for one kind of trouble."""

from collections.abc import Callable

from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage


class Detector:
    """Watches one run for one kind of trouble, online and in constant memory.

    Both methods answer an alarm when something is wrong, and may answer again later: who follows
    the run keeps the first of each kind. They are called in order of time, from one thread.
    """

    def see(self, seen: Observation) -> Alarm | None:
        """Takes one line of the log."""
        return None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        """Takes the time, about once a second, whether or not there was output.

        Args:
            at_s: seconds since the run was first followed.
            usage: what its container uses now; None where that is not known.
        """
        return None


Maker = Callable[[Expectations], Detector]
