"""Archives are made once for many sandboxes, and never mistaken for one another."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast

from labcrew.domain.repository import Repositories
from sandboxes.crossing import archives
from sandboxes.crossing.archives import Archives


class Counted:
    """Repositories whose archives say what they are of."""

    def __init__(self, size: int = 0) -> None:
        self.made: list[tuple[str, str, tuple[str, ...]]] = []
        self._size = size

    def archive(self, name: str, commit: str, without: tuple[str, ...] = ()) -> bytes:
        self.made.append((name, commit, without))
        return repr((name, commit, without)).encode() + bytes(self._size)


def made_of(counted: Counted) -> Archives:
    return Archives(cast(Repositories, counted))


def test_one_for_many_threads() -> None:
    counted = Counted()
    kept = made_of(counted)
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: kept.get("E-1", "c", ("x",)), range(40)))
    assert found == {b"('E-1', 'c', ('x',))"}
    assert len(counted.made) == 1


def test_each_is_its_own() -> None:
    counted = Counted()
    kept = made_of(counted)
    for asked in (("a", "c", ()), ("b", "c", ()), ("a", "d", ()), ("a", "c", ("x",))):
        assert kept.get(*asked) == kept.get(*asked) == repr(asked).encode()
    assert len(counted.made) == 4


def test_the_oldest_goes_and_large_ones_are_not_kept() -> None:
    counted = Counted()
    kept = made_of(counted)
    for commit in ("1", "2", "1", "3", "1", "2"):
        kept.get("a", commit, ())
    assert [commit for _, commit, _ in counted.made] == ["1", "2", "3", "2"]
    large = Counted(size=archives._MOST_BYTES)
    kept = made_of(large)
    kept.get("a", "1", ())
    kept.get("a", "1", ())
    assert len(large.made) == 2
