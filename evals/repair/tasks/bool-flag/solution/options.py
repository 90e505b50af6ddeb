"""The command line of the training script."""

import argparse

YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}


def switch(text):
    """true, yes, on, 1 or false, no, off, 0, in any case."""
    word = text.strip().lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise argparse.ArgumentTypeError(f"neither yes nor no: {text!r}")


def positive(text):
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def parser():
    """All options of the training script."""
    options = argparse.ArgumentParser(prog="train")
    options.add_argument("--epochs", type=positive, default=10)
    options.add_argument("--rate", type=float, default=1e-3)
    options.add_argument("--augment", type=switch, default=True)
    options.add_argument("--amp", type=switch, default=False)
    options.add_argument("--name", default="")
    return options


def describe(arguments):
    """One line for the log."""
    return ", ".join(f"{key}={value}" for key, value in sorted(vars(arguments).items()))
