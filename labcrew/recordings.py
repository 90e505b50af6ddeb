"""What was sent to models and what they answered: files named by their content, secrets removed.

A conversation grows by a few messages a call, so each message is a file of its own and is kept
once. The ledger holds the hashes (`labcrew.domain.programming.ModelCall`); a file that is lost or
was changed by hand is then known for what it is.
"""

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from labcrew import beneath, full_disk
from labcrew.domain.base import Model, canonical_json
from labcrew.domain.chat import Message, Reply, ToolOffer
from labcrew.errors import BoundaryError, NotFound
from labcrew.redaction import Redaction

LONGEST_CHARACTERS = 1_000_000
"""Of one text; what is longer is cut in its middle, and the record says that it is not exact."""
_CUT = "\n[… cut here …]\n"
_FILE_BYTES = 16 << 20


class Request(Model):
    """Everything that a call to a model is made of.

    Args:
        schema_: the JSON schema asked for, None for free text.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolOffer, ...] = ()
    schema_: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        model: str,
        messages: Sequence[Message],
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
    ) -> "Request":
        """The request of a call with these arguments."""
        return cls(
            model=model,
            messages=tuple(messages),
            tools=tuple(tools),
            schema_=None if schema is None else _schema(schema),
        )

    @property
    def text(self) -> str:
        """One spelling of it: equal requests are spelt alike."""
        return canonical_json(self.model_dump(mode="json"))


@lru_cache(maxsize=256)
def _schema(schema: type[BaseModel]) -> dict[str, Any]:
    return schema.model_json_schema()


def sha256(text: str) -> str:
    """The hash by which a text is known, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Kept(Model):
    """Where something was put.

    Args:
        sha256: its name.
        exact: whether nothing was taken out or cut.
    """

    sha256: str
    exact: bool


class Recordings:
    """A folder of prompts and answers.

    Args:
        folder: labcrew's own; made when it is first written to.
        redact: takes secrets out of a text.
    """

    def __init__(self, folder: Path, redact: Redaction) -> None:
        self._folder = folder
        self.redact = redact
        self._kept: dict[str, Kept] = {}
        self._messages: dict[Message, Kept] = {}

    def keep_request(self, request: Request) -> Kept:
        """Writes a request, each of its messages once."""
        parts = [self._message(message) for message in request.messages]
        parts += [self._keep(tool.model_dump(mode="json")) for tool in request.tools]
        shape = None if request.schema_ is None else self._keep(request.schema_)
        count = len(request.messages)
        whole = self._put(
            {
                "model": request.model,
                "messages": [part.sha256 for part in parts[:count]],
                "tools": [part.sha256 for part in parts[count:]],
                "schema": None if shape is None else shape.sha256,
            }
        )
        exact = all(part.exact for part in parts) and (not shape or shape.exact)
        return Kept(sha256=whole, exact=exact)

    def keep_reply(self, reply: Reply) -> Kept:
        """Writes an answer."""
        return self._keep(reply.model_dump(mode="json"))

    def keep_question(self, question: BaseModel) -> Kept:
        """Writes the question of a judgement."""
        return self._keep(question.model_dump(mode="json"))

    def keep_text(self, text: str) -> Kept:
        """Writes a text."""
        return self._keep(text)

    def request(self, name: str) -> Request | None:
        """A request as it was kept; None where files of it are missing or were changed."""
        whole = self.value(name)
        if whole is None:
            return None
        try:
            return Request(
                model=whole["model"],
                messages=tuple(Message.model_validate(self.value(n)) for n in whole["messages"]),
                tools=tuple(ToolOffer.model_validate(self.value(n)) for n in whole["tools"]),
                schema_=None if whole["schema"] is None else self.value(whole["schema"]),
            )
        except (ValidationError, KeyError, TypeError):
            return None

    def reply(self, name: str) -> Reply | None:
        """An answer as it was kept; None where its file is missing or was changed."""
        try:
            return Reply.model_validate(self.value(name))
        except ValidationError:
            return None

    def value(self, name: str) -> Any:
        """What has this name; None where it is missing or was changed."""
        if len(name) != 64:
            return None
        try:
            raw = beneath.read(self._folder, f"{name[:2]}/{name}.json", _FILE_BYTES)
            text = raw.decode("utf-8")
        except (NotFound, BoundaryError, UnicodeDecodeError):
            return None
        return json.loads(text) if sha256(text) == name else None

    def _message(self, message: Message) -> Kept:
        if message not in self._messages:
            self._messages[message] = self._keep(message.model_dump(mode="json"))
        return self._messages[message]

    def _keep(self, value: Any) -> Kept:
        """Writes a value without its secrets; what was kept before is not looked through again."""
        text = canonical_json(value)
        known = sha256(text)
        if known not in self._kept:
            cleaned = self._cleaned(value)
            exact = canonical_json(cleaned) == text
            self._kept[known] = Kept(sha256=self._put(cleaned), exact=exact)
        return self._kept[known]

    def _put(self, value: Any) -> str:
        # Lone surrogates, which JSON can spell and a file can't, become question marks.
        text = canonical_json(value).encode("utf-8", "replace").decode("utf-8")
        name = sha256(text)
        self._write(f"{name[:2]}/{name}.json", text)
        return name

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            return _capped(self.redact(_capped(value)))
        if isinstance(value, dict):
            return {self.redact(str(key)): self._cleaned(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._cleaned(inner) for inner in value]
        return value

    def _write(self, path: str, text: str) -> None:
        """Puts a file there at once: a killed process leaves all of it or none."""
        place = self._folder / path
        if place.exists():
            return
        partial = place.with_name(f"{place.name}.{os.getpid()}.{threading.get_ident()}")
        message = f"No space left to keep what models are asked and answer in {self._folder}."
        try:
            with full_disk.translated(message):
                place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                partial.write_text(text, encoding="utf-8")
                partial.replace(place)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise


def _capped(text: str) -> str:
    if len(text) <= LONGEST_CHARACTERS:
        return text
    half = LONGEST_CHARACTERS // 2
    return f"{text[:half]}{_CUT}{text[-half:]}"
