"""Where symbolic links end, through others."""

import pytest

from labcrew.domain.repository import Repositories
from sandboxes.git.links import ends
from tests.sandboxes.fixtures import UserFolder

LINKS = {
    "plain": "data/train.csv",
    "deep/up": "../data/train.csv",
    "folder": "data",
    "deep/through": "../folder/train.csv",
    "twice": "deep/through",
    "root": ".",
    "nowhere": "data/gone.csv",
    "out": "/etc/passwd",
    "above": "../elsewhere",
    "hooks": ".git/hooks",
    "to-out": "out",
    "circle": "deep/circle",
    "deep/circle": "../circle",
}
OUT = {"out", "above", "hooks", "to-out", "circle", "deep/circle"}
ENDS = {"folder": "data", "root": ".", "nowhere": "data/gone.csv"}


@pytest.mark.parametrize("link", LINKS)
def test_where_a_link_ends(link: str) -> None:
    expected = None if link in OUT else ENDS.get(link, "data/train.csv")
    assert ends(LINKS)[link] == expected


def test_the_links_of_a_commit(repositories: Repositories, user: UserFolder) -> None:
    (user.path / "deep").mkdir()
    for link, target in LINKS.items():
        (user.path / link).symlink_to(target)
    commit = repositories.take("lab", user.path, user.commit(), snapshot=False)
    assert repositories.links("lab", commit) == ends(LINKS)
    assert repositories.links("lab", f"{commit}~1") == {}
