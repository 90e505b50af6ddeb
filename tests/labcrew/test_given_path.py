"""Paths that people give: home folders are found, and what can't be a path is said."""

from pathlib import Path

import pytest

from labcrew.errors import InputError
from labcrew.given_path import given_path


def test_it_is_where_a_person_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_path("~/x") == tmp_path / "x"
    assert given_path("~/x", Path("/lab")) == tmp_path / "x"
    assert given_path("x", Path("/lab")) == Path("/lab/x")
    assert given_path(Path("x")) == Path("x")


@pytest.mark.parametrize(
    "given", ["~nosuchuser/x", "/" + "a" * 5000, "a" * 300, "/a\0b", "/\ud800", "/etc/passwd/x\0"]
)
def test_what_can_be_no_path_is_refused_in_printable_words(given: str) -> None:
    with pytest.raises(InputError, match="no path that can be used here") as caught:
        given_path(given)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400
