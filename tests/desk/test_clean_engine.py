"""`labcrew clean --orphans`: what it says, without touching what others left."""

from desk.keeping import clean_engine, told
from sandboxes.volumes.orphans import Leftover


def test_a_dry_run_only_looks() -> None:
    left = clean_engine(dry_run=True)
    assert told(left, True).endswith(("Would be removed.", "by homes that are gone."))


def test_what_was_left_is_named_home_by_home() -> None:
    left = Leftover(home="abc", owner="its folder", containers=("c",), volumes=("v", "w"))
    assert told((left,), False).splitlines() == [
        "abc, of its folder:",
        "  c",
        "  v",
        "  w",
        "Removed.",
    ]
    assert told((), False) == "Nothing is left on the engine by homes that are gone."
