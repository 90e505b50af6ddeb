"""Tool containers that run before a ticket asks for one, so that its first call need not wait.

A warm container has the image and limits of the last one asked for, an empty workspace, and no
ticket. It is handed to one ticket, and goes with it: never shared, never taken back. Labels can't
change later, so an empty volume with labels of its own records to whom it was handed: whoever opens
the home next finds it again.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labcrew.domain.sandbox import Limits, SandboxSpec
from labcrew.errors import EngineError, LabcrewError
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.volumes.workspaces import remove_volume

if TYPE_CHECKING:
    from docker.api import APIClient

POOLED = "labcrew.pooled"
_log = logging.getLogger(__name__)
_Kind = tuple[str, Limits]
_WAITED = 0.1  # of its time, at most, when it is handed out


@dataclass(frozen=True)
class _Warm:
    """A container that nobody has yet, and since when: its deadline is counted from then."""

    kind: _Kind
    since: float

    def good_for(self, kind: _Kind) -> bool:
        """Whether a ticket may have it; one that waited long would be stopped in its work."""
        _, limits = kind
        return self.kind == kind and time.monotonic() - self.since < limits.timeout_s * _WAITED


@dataclass(frozen=True)
class Handed:
    """A warm container that a ticket has now."""

    name: str
    warm: str
    ticket: str


class Pool:
    """The warm containers of one home.

    Args:
        client: answers the engine when it is needed.
        home: the home's id.
        owner: who the home belongs to, as a label.
        make: starts a tool container of that spec.
        drop: removes one, by its spec's name, with its workspace.
        size: how many are kept warm; 0 for none.
    """

    def __init__(
        self,
        client: Callable[[], APIClient],
        home: str,
        owner: str,
        *,
        make: Callable[[SandboxSpec], None],
        drop: Callable[[str], None],
        size: int,
    ) -> None:
        self._client, self._home, self._owner = client, home, owner
        self._make, self._drop, self._size = make, drop, size
        self._lock = threading.Lock()
        self._idle: dict[str, _Warm] = {}
        self._filling: threading.Thread | None = None
        self._closed = False
        self._handed: dict[str, Handed] | None = None

    @property
    def handed(self) -> dict[str, Handed]:
        """Name → the warm container that has it, as recorded on the engine."""
        with self._lock:
            if self._handed is None:
                mark = {"label": [f"{hardening.HOME}={self._home}", POOLED]}
                with translated("list volumes"):
                    volumes = self._client().volumes(filters=mark)["Volumes"] or []
                labels = [item["Labels"] for item in volumes]
                self._handed = {
                    of[hardening.NAME]: Handed(of[hardening.NAME], of[POOLED], of[hardening.TICKET])
                    for of in labels
                }
            return dict(self._handed)

    def inner(self, name: str) -> str:
        """The name under which a container was made."""
        handed = (self._handed if self._handed is not None else self.handed).get(name)
        return handed.warm if handed is not None else name

    def outer(self, name: str) -> str:
        """The name by which a container is known since it was handed out."""
        return next((h.name for h in self.handed.values() if h.warm == name), name)

    def is_idle(self, name: str) -> bool:
        """Whether a container is warm and nobody's."""
        return name in self._idle

    def serves(self, spec: SandboxSpec) -> bool:
        """Whether a warm container could be what is asked for."""
        plain = spec.model_copy(
            update={"name": "", "ticket": "", "image": "", "limits": Limits(), "trial": ""}
        )
        nothing_more = SandboxSpec(name="", purpose="tools", ticket="", image="")
        return self._size > 0 and plain == nothing_more

    def hand_out(self, spec: SandboxSpec) -> bool:
        """Gives a warm container to the ticket, if there is one, and has the next one warmed.

        Raises EngineError where it can't be recorded; the container is then removed.
        """
        kind = (spec.image, spec.limits)
        with self._lock:
            warm = next((name for name, of in self._idle.items() if of.good_for(kind)), None)
            if warm is not None:
                del self._idle[warm]
        if warm is not None:
            self._record(Handed(spec.name, warm, spec.ticket))
        self._refill(kind)
        return warm is not None

    def forget(self, name: str) -> None:
        """Drops the record of a container that was handed out and is removed."""
        if name in self.handed:
            remove_volume(self._client(), self._volume(name))
            self._note(lambda handed: handed.pop(name, None))

    def drain(self) -> None:
        """Removes what is warm and nobody's."""
        if self._filling is not None:
            self._filling.join()
        with self._lock:
            idle, self._idle = tuple(self._idle), {}
        for name in idle:
            with suppress(EngineError):  # else the home's next start removes it
                self._drop(name)

    def close(self) -> None:
        """Drains it for good."""
        with self._lock:
            self._closed = True
        self.drain()

    def _record(self, handed: Handed) -> None:
        labels = {
            hardening.HOME: self._home,
            hardening.OWNER: self._owner,
            hardening.NAME: handed.name,
            hardening.TICKET: handed.ticket,
            POOLED: handed.warm,
        }
        try:
            with translated(f"record whose {handed.warm} is"):
                self._client().create_volume(self._volume(handed.name), labels=labels)
        except LabcrewError:
            with suppress(EngineError):
                self._drop(handed.warm)
            raise
        self._note(lambda known: known.update({handed.name: handed}))

    def _note(self, change: Callable[[dict[str, Handed]], object]) -> None:
        """Changes a copy of what is recorded: `inner` reads without the lock."""
        with self._lock:
            assert self._handed is not None, "every way here asks for a name first"
            changed = dict(self._handed)
            change(changed)
            self._handed = changed

    def _volume(self, name: str) -> str:
        return f"labcrew-{self._home}-{name}-handed"

    def _refill(self, kind: _Kind) -> None:
        with self._lock:
            busy = self._filling is not None and self._filling.is_alive()
            if not (busy or self._closed):
                self._filling = threading.Thread(target=self._fill, args=(kind,), daemon=True)
                self._filling.start()

    def _fill(self, kind: _Kind) -> None:
        with self._lock:
            stale = [name for name, of in self._idle.items() if not of.good_for(kind)]
            for name in stale:
                del self._idle[name]
            missing = self._size - len(self._idle)
        for name in stale:
            with suppress(EngineError):
                self._drop(name)
        for _ in range(missing):
            name = f"warm-{uuid.uuid4().hex[:12]}"
            image, limits = kind
            spec = SandboxSpec(name=name, purpose="tools", ticket="", image=image, limits=limits)
            try:
                self._make(spec)
            except LabcrewError as error:
                _log.warning("no warm container: %s", error.message)
                with suppress(EngineError):
                    self._drop(name)
                return
            with self._lock:
                self._idle[name] = _Warm(kind, time.monotonic())
