"""Configuration from defaults, an experiment and the command line."""

from config.merging import merge
from config.overrides import parse_overrides


def configuration(defaults, experiment, words=()):
    """Later sources win: defaults, then the experiment, then `key.key=value` words."""
    return merge(merge(defaults, experiment), parse_overrides(words))
