"""What a pack comes to, against real packs of git's and against bytes made to mislead."""

import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.attacks.git.inside.packs import number, size
from labcrew.errors import BoundaryError
from sandboxes.git.landing import parse
from sandboxes.git.packs import measured
from tests.sandboxes.fixtures import UserFolder

CAP = 64 << 20


def pack(*objects: bytes, count: int | None = None) -> bytes:
    told = len(objects) if count is None else count
    return b"PACK\0\0\0\2" + told.to_bytes(4, "big") + b"".join(objects) + b"\0" * 20


def blob(content: bytes, told: int | None = None) -> bytes:
    return size(len(content) if told is None else told, 3) + zlib.compress(content)


def delta(base: int, makes: int) -> bytes:
    body = number(base) + number(makes) + b"\x90\x01"
    return size(len(body), 7) + b"\1" * 20 + zlib.compress(body)


def test_a_pack_of_gits_is_measured_as_git_does(user: UserFolder) -> None:
    for index in range(30):
        user.write("notes.txt", "\n".join(f"line {n} {n % (index + 2)}" for n in range(400)))
        user.commit(f"number {index}")
    user.git("bundle", "create", "-q", "all.bundle", "main")
    _, data = parse((user.path / "all.bundle").read_bytes())
    names = user.git("rev-list", "--objects", "main").splitlines()
    ask = "\n".join(line.split()[0] for line in names).encode()
    sizes = user.git("cat-file", "--batch-check=%(objectsize)", stdin=ask + b"\n").split()
    found = measured(data, id_bytes=20, cap_bytes=CAP)
    assert (found.objects, found.bytes) == (len(names), sum(map(int, sizes)))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (pack(blob(b"\0" * (8 << 20))), "more than"),
        (pack(*[delta(1 << 20, 1 << 20)] * 9), "more than"),
        (pack(delta(10, 1 << 50)), "more than"),
        (pack(blob(b"", told=1 << 60)), "more than"),
        (pack(blob(b"\0" * 5000, told=10)), "larger than it says"),
        (pack(blob(b"a", told=1000)), "smaller than it says"),
        (pack(blob(b"a"), count=2), "ends in the middle"),
        (pack(blob(b"a"), count=1 << 31), "objects"),
        (pack(blob(b"a"), blob(b"b"), count=1), "more bytes"),
        (pack(size(3, 5) + zlib.compress(b"abc")), "unknown type"),
        (pack(b"\xb0" + b"\xff" * 20), "without an end"),
        (pack(size(3, 3) + b"garbage"), "unpacked"),
        (b"PACK\0\0\0\3" + b"\0" * 40, "version 2"),
        (b"", "version 2"),
    ],
)
def test_packs_that_mislead(data: bytes, why: str) -> None:
    with pytest.raises(BoundaryError, match=why):
        measured(data, id_bytes=20, cap_bytes=4 << 20)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=80), max_size=5), st.integers(0, 300), st.binary(max_size=40))
def test_garbage_is_refused_and_nothing_else_is_raised(
    contents: list[bytes], cut: int, patch: bytes
) -> None:
    good = pack(*(blob(content) for content in contents))
    assert measured(good, id_bytes=20, cap_bytes=CAP).bytes == sum(map(len, contents))
    for data in (good[:cut] + patch + good[cut + len(patch) :], good[:cut], good + patch, patch):
        try:
            assert measured(data, id_bytes=20, cap_bytes=CAP).bytes <= CAP
        except BoundaryError:
            continue


HEADERS = st.sampled_from(
    [
        b"# v2 git bundle\n", b"# v3 git bundle\n", b"# v9 git bundle\n", b"@object-format=sha1\n",
        b"@filter=blob:none\n", b"-" + b"a" * 40 + b" x\n", b"b" * 40 + b" refs/heads/x\n",
        b"c" * 40 + b" --upload-pack=x\n", b"d" * 64 + b"\n", b"\n", b"PACK", b"\0\xff", b" ",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(HEADERS, max_size=8), st.binary(max_size=60))
def test_the_bundle_parser_answers_or_refuses(headers: list[bytes], rest: bytes) -> None:
    try:
        tip, data = parse(b"".join(headers) + rest)
    except BoundaryError:
        return
    assert len(tip) in {40, 64}
    assert set(tip) <= set("0123456789abcdef")
    assert data.startswith(b"PACK")


def test_a_name_in_a_bundle_is_never_used(tmp_path: Path) -> None:
    head = b"# v2 git bundle\n" + b"a" * 40 + b" --upload-pack=touch " + bytes(tmp_path) + b"\n\n"
    assert parse(head + pack()) == ("a" * 40, pack())
