"""A resource that will soon be used up: what the detectors of memory and disk have in common."""

from collections import deque

from agents.monitoring.robust import theil_sen

_POINTS, _NEEDED = 40, 6
_FULL = 0.8
"""Of the limit: what fills a cache and levels off mostly does so below."""
_ROSE = 0.1
"""Of the limit, within the window: a level that hardly moves is no filling."""
_STEADY = 0.6
"""Least slope of the second half, as a share of the whole: less is levelling off."""


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
            kept = [point for index, point in enumerate(points) if index % 2 == 0 or index > 29]
            self._every_s = max(self._every_s, (points[-1][0] - points[0][0]) / _POINTS / 2)
            points.clear()
            points.extend(kept)
        if used < _FULL * limit or len(points) < _NEEDED:
            return None
        rise = used - min(value for _, value in points)
        if rise < _ROSE * limit:
            return None
        whole = theil_sen(tuple(points))
        later = theil_sen(tuple(points)[len(points) // 2 :])
        if whole <= 0 or later < _STEADY * whole:
            return None
        left = (limit - used) / max(later, whole)
        watched = at_s - points[0][0]
        return left if left < watched else None
