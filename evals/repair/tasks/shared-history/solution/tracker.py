"""Keeping a run's metrics in memory."""

import json


class Tracker:
    """The values of a run's metrics by name, in the order they came.

    Args:
        run: the run's name.
        values: to go on from; none: empty.
        tags: words that describe the run; none: empty.
    """

    def __init__(self, run, values=None, tags=None):
        self.run = run
        self.values = {} if values is None else values
        self.tags = [] if tags is None else tags

    def log(self, name, value):
        """Adds a value."""
        self.values.setdefault(name, []).append(float(value))

    def tag(self, word):
        """Adds a tag once."""
        if word not in self.tags:
            self.tags.append(word)

    def history(self, name):
        """All values of a metric."""
        return list(self.values.get(name, []))

    def last(self, name):
        """The newest value of a metric, or None."""
        history = self.history(name)
        return history[-1] if history else None

    def to_json(self):
        """The run as JSON with sorted keys."""
        return json.dumps(
            {"run": self.run, "tags": self.tags, "values": self.values}, sort_keys=True
        )
