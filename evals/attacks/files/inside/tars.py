"""Tar archives that a sandbox, or a taken-over engine, could hand out."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

_SYM, _LNK, _REG, _DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.REGTYPE, tarfile.DIRTYPE


def member(
    name: str, content: bytes = b"planted", *, kind: bytes = _REG, link: str = "",
    mode: int = 0o644, size: int | None = None, pax: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    """One member: its header, its pax header if it needs one, its content."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    plain = (
        kind in {_REG, tarfile.CONTTYPE, tarfile.AREGTYPE} or kind not in tarfile.SUPPORTED_TYPES
    )
    body = content if plain else b""
    info.size = len(body) if size is None else size
    info.devmajor = info.devminor = 1
    info.pax_headers = pax or {}
    head = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    return head + body + b"\0" * (-len(body) % 512)


def number(header: bytes, value: int) -> bytes:
    """A header with its size in base 256, signed as GNU tar reads it."""
    field = (value & ((1 << 96) - 1)).to_bytes(12, "big")
    field = bytes([0x80 | (field[0] & 0x7F)]) + field[1:] if value >= 0 else b"\xff" + field[1:]
    return summed(header[:124] + field + header[136:512]) + header[512:]


def summed(header: bytes) -> bytes:
    """A header with its checksum set right."""
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


def gnu(kind: bytes, text: bytes) -> bytes:
    """GNU tar's long name (L) or long link (K) for the member after it."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, len(text)
    return info.tobuf(tarfile.GNU_FORMAT) + text + b"\0" * (-len(text) % 512)


def sparse(name: str, size: int) -> bytes:
    """An old GNU sparse member that claims a size and holds nothing."""
    header = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[483:495] = bytes([0x80]) + size.to_bytes(11, "big")
    return summed(bytes(header))


END = b"\0" * 1024
Making = Callable[[str], bytes]


def _deep(decoy: str) -> bytes:
    return member("/".join(["d"] * 3000) + "/x")


def _many(decoy: str) -> bytes:
    return b"".join(tarfile.TarInfo(f"f{index}").tobuf() for index in range(25_000))


def _pax_bomb(decoy: str) -> bytes:
    return member("x", pax={"comment": "a" * (24 << 20)})


TARS: dict[str, tuple[str, Making]] = {
    "absolute path": ("a member named by an absolute path", lambda d: member(f"{d}/planted")),
    "over the decoy": ("an absolute path that overwrites", lambda d: member(f"{d}/secret")),
    "dotdot": ("../ in front", lambda d: member("../" * 12 + d[1:] + "/planted")),
    "dotdot in the middle": (
        "a/../../ in the middle", lambda d: member("a/" + "../" * 12 + d[1:] + "/planted")),
    "one folder up": ("../escaped", lambda d: member("../escaped")),
    "folder outside": (
        "a folder outside", lambda d: member(f"{d}/planted", kind=_DIR, mode=0o777)),
    "symbolic link": ("a link out", lambda d: member("x", kind=_SYM, link=f"{d}/secret")),
    "relative link": (
        "a link that climbs",
        lambda d: member("x", kind=_SYM, link="../" * 12 + d[1:] + "/secret")),
    "magic link": (
        "/proc/self/root", lambda d: member("x", kind=_SYM, link=f"/proc/self/root{d}/secret")),
    "write through a link": (
        "a link to a folder, then a file beneath it",
        lambda d: member("x", kind=_SYM, link=d) + member("x/planted")),
    "write through a file's link": (
        "a link to a file, then that file",
        lambda d: member("x", kind=_SYM, link=f"{d}/secret") + member("x")),
    "write through two links": (
        "a link by way of another, then a file",
        lambda d: member("a", kind=_SYM, link=d) + member("b", kind=_SYM, link="a")
        + member("b/planted")),
    "link to a place above": (
        "a link to .. and a file through it",
        lambda d: member("x", kind=_SYM, link="..") + member("x/escaped")),
    "folder becomes a link": (
        "a folder, a file in it, the folder again as a link, a file in it",
        lambda d: member("x", kind=_DIR, mode=0o755) + member("x/a")
        + member("x", kind=_SYM, link=d) + member("x/planted")),
    "link becomes a folder": (
        "a link, the same as a folder, a file in it",
        lambda d: member("x", kind=_SYM, link=d) + member("x", kind=_DIR, mode=0o755)
        + member("x/planted")),
    "hard link out": (
        "a hard link to the decoy",
        lambda d: member("x", kind=_LNK, link=f"{d}/secret")),
    "hard link, then content": (
        "a hard link to the decoy, written over",
        lambda d: member("x", kind=_LNK, link=f"{d}/secret") + member("x")),
    "hard link to a link": (
        "a link, and a hard link to it",
        lambda d: member("a", kind=_SYM, link=f"{d}/secret") + member("x", kind=_LNK, link="a")),
    "hard link within": (
        "a second name for a file of its own",
        lambda d: member("a") + member("x", kind=_LNK, link="a")),
    "named twice": ("one name, two contents", lambda d: member("x") + member("x", b"other")),
    "file becomes a folder": (
        "a file, then a file beneath it",
        lambda d: member("x") + member("x/y")),
    "pipe": ("a FIFO", lambda d: member("x", kind=tarfile.FIFOTYPE)),
    "character device": ("/dev/mem", lambda d: member("x", kind=tarfile.CHRTYPE)),
    "block device": ("a disk", lambda d: member("x", kind=tarfile.BLKTYPE)),
    "unknown kind": ("a member of kind Z", lambda d: member("x", kind=b"Z")),
    "contiguous file": ("a member of kind 7", lambda d: member("x", kind=tarfile.CONTTYPE)),
    "GNU long name": (
        "a long name that leads out",
        lambda d: gnu(b"L", ("../" * 12 + d[1:] + "/planted").encode() + b"\0") + member("x")),
    "GNU long link": (
        "a long link name that leads out",
        lambda d: gnu(b"K", f"{d}/secret".encode() + b"\0") + member("x", kind=_SYM, link="y")),
    "GNU long name without an end": (
        "a long name of 20 MB", lambda d: gnu(b"L", b"a" * (20 << 20)) + member("x")),
    "pax path": ("a pax path that leads out", lambda d: member("x", pax={"path": f"{d}/planted"})),
    "pax link path": (
        "a pax link path that leads out",
        lambda d: member("x", kind=_SYM, link="y", pax={"linkpath": f"{d}/secret"})),
    "pax size too large": (
        "a pax size of 1 EiB",
        lambda d: member("x", pax={"size": str(1 << 60)})),
    "pax size negative": ("a pax size below nothing", lambda d: member("x", pax={"size": "-512"})),
    "pax size no number": ("a pax size of words", lambda d: member("x", pax={"size": "nan"})),
    "pax header of 24 MB": ("one pax record that fills memory", _pax_bomb),
    "pax sparse": (
        "a pax sparse map of 1 TiB",
        lambda d: member("x", b"1\n0\n1\n".ljust(512, b"\0"), pax={
            "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x",
            "GNU.sparse.realsize": str(1 << 40)})),
    "pax NUL": ("a name with a NUL in it", lambda d: member("x", pax={"path": "a\0b"})),
    "size in base 256": ("a size of 2^80", lambda d: number(member("x"), 1 << 80)),
    "negative size": ("a size below nothing", lambda d: number(member("x"), -1024)),
    "old sparse": ("an old sparse member of 1 TiB", lambda d: sparse("x", 1 << 40)),
    "setuid": ("a program of root's", lambda d: member("x", mode=0o4755)),
    "setgid folder": (
        "a folder of mode 3777", lambda d: member("x", kind=_DIR, mode=0o3777) + member("x/y")),
    "folder of mode 000": (
        "a folder that can't be opened",
        lambda d: member("x", kind=_DIR, mode=0) + member("x/y")),
    "newline": ("a name with a newline", lambda d: member("a\nb")),
    "escape sequence": ("a name that clears the screen", lambda d: member("\x1b[2Ja")),
    "eight-bit escape": ("a name with U+009B", lambda d: member("\x9b2Ja")),
    "right to left": ("a name with U+202E", lambda d: member("gpj.\u202eexe")),
    "invalid UTF-8": ("a name that is not UTF-8", lambda d: member("a\udcff")),
    "3,000 deep": ("a path 3,000 deep", _deep),
    "long name": ("a name of 10,000 letters", lambda d: member("n" * 10_000)),
    "25,000 files": ("more files than a person reads", _many),
    "case collision": (
        "a link, and a file beneath it in capitals",
        lambda d: member("x", kind=_SYM, link=d) + member("X/planted")),
    "repository": (
        "a .git folder with a configuration",
        lambda d: member(".git/config", b"[core]\n\tfsmonitor = touch /tmp/ran\n")),
    "repository in capitals": ("a .GIT folder", lambda d: member(".GIT/config", b"[core]\n")),
    "bare repository": (
        "HEAD and a configuration", lambda d: member("HEAD", b"ref: x\n") + member("config")),
    "truncated": ("an end in the middle of a file", lambda d: member("x", b"a" * 2000)[:1000]),
    "wrong checksum": (
        "a second header with a wrong sum",
        lambda d: member("a") + member("x")[:150] + b"9" + member("x")[151:]),
    "archive after the end": (
        "a second archive behind the first",
        lambda d: member("a") + END + member("x", kind=_SYM, link=f"{d}/secret")),
    "garbage": ("random bytes", lambda d: bytes(range(256)) * 40),
    "nothing": ("no byte at all", lambda d: b""),
}  # fmt: skip


def archive(name: str, decoy: Path) -> bytes:
    """The bytes of one archive."""
    made = TARS[name][1](os.fspath(decoy))
    return made + END if made else made


def opened(data: bytes) -> tarfile.TarFile:
    """As a careless program opens it."""
    return tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape", encoding="utf-8")
