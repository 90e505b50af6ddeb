"""Keys for calls of functions."""

import inspect


def bound(function, args, kwargs):
    """Argument name → value, defaults included, however they were written."""
    arguments = inspect.signature(function).bind(*args, **kwargs)
    arguments.apply_defaults()
    return dict(arguments.arguments)


def call_key(function, args, kwargs):
    """A text that is equal for equal calls and different for others."""
    named = bound(function, args, kwargs)
    return repr((function.__qualname__, sorted((name, repr(named[name])) for name in named)))
