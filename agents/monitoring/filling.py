"""A resource that will soon be used up: what the detectors of memory and disk have in common."""

from collections import deque

from agents.monitoring.robust import theil_sen

_POINTS, _NEEDED = 40, 6
_FULL = 0.85
"""Of the limit: what fills a cache and levels off mostly does so below."""
_ROSE, _STILL = 0.1, 0.02
"""Of the limit, within the window and within its newest third: less is hardly moving."""
_STEADY = 0.8
"""Least slope of the newest third, as a share of the one before and of all: less is levelling
off."""


class Filling:
    """The use of one resource, as a line with a robust slope (Theil 1950, Sen 1968).

    Points are thinned as the run grows longer: when the window is full every second goes.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._every_s = 0.0

    def forget(self) -> None:
        """Begins anew."""
        self._points.clear()
        self._every_s = 0.0

    def left_s(self, at_s: float, used: float, limit: float) -> float | None:
        """Takes a reading; answers the seconds until it is full where it surely fills, else None.

        Args:
            at_s: now, in seconds.
            used: bytes in use.
            limit: bytes there are; more than 0.
        """
        points = self._points
        if points and at_s - points[-1][0] < self._every_s:
            return None
        points.append((at_s, used))
        if len(points) > _POINTS:
            # Old points tell less: the first half of the window is thinned twice as fast.
            thinned = [p for index, p in enumerate(points) if index % 2 == 0 or index > 29]
            self._every_s = max(self._every_s, (points[-1][0] - points[0][0]) / _POINTS / 2)
            points.clear()
            points.extend(thinned)
        if used < _FULL * limit or len(points) < _NEEDED:
            return None
        rise = used - min(value for _, value in points)
        if rise < _ROSE * limit:
            return None
        kept, third = tuple(points), max(len(points) // 3, 3)
        whole = theil_sen(kept)
        later, earlier = theil_sen(kept[-third:]), theil_sen(kept[-2 * third : -third])
        if kept[-1][1] - kept[-third][1] < _STILL * limit:
            return None
        if whole <= 0 or later < _STEADY * max(whole, earlier):
            return None
        left = (limit - used) / max(later, whole)
        watched = at_s - points[0][0]
        return left if 3 * left < watched else None
