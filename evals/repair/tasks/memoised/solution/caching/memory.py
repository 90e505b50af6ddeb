"""A decorator that computes once."""

import copy
import functools

from caching.keys import call_key


class Cache:
    """Results of functions by call.

    Args:
        limit: results that are kept; the oldest goes first.
    """

    def __init__(self, limit=100):
        self.limit = limit
        self.results = {}
        self.hits = 0

    def __call__(self, function):
        @functools.wraps(function)
        def cached(*args, **kwargs):
            key = call_key(function, args, kwargs)
            if key in self.results:
                self.hits += 1
            else:
                while len(self.results) >= self.limit:
                    self.results.pop(next(iter(self.results)))
                self.results[key] = function(*args, **kwargs)
            return copy.deepcopy(self.results[key])

        return cached
