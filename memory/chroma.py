"""The shared memory in an embedded Chroma: one collection a scope, vectors made by labcrew alone.

The folder has one owner process (see labcrew.home); everything in it can be made again from the
ledger with memory.rebuild.
"""

import contextlib
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcrew.domain.research import Embedder, MemoryRecord, Recalled
from labcrew.errors import MemoryDamaged, StorageFull

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

_BATCH = 256
_COLLECTION_FOLDER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ChromaMemory:
    """Memory on a folder of this machine; opens it at first use, never reaches the network.

    Args:
        folder: where Chroma keeps its files; made if missing, owned by this process.
        embedder: makes every vector; Chroma's own default model is never used.
    """

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._folder = folder
        self._embedder = embedder
        self._lock = threading.Lock()
        self._client: ClientAPI | None = None

    def remember(self, records: list[MemoryRecord]) -> None:
        """See Memory.

        Raises:
            MemoryDamaged: the index can't be used.
            StorageFull: the disk is.
        """
        by_scope: dict[str, list[MemoryRecord]] = {}
        for record in records:
            by_scope.setdefault(record.scope, []).append(record)
        for scope, offered in by_scope.items():
            # Of two with one key the last is put; of findings the first stays, here and in Chroma.
            first = scope == "findings"
            members = list({r.key: r for r in (reversed(offered) if first else offered)}.values())
            for start in range(0, len(members), _BATCH):
                batch = members[start : start + _BATCH]
                vectors = self._embedder.embed([record.text for record in batch])
                with self._collection(scope) as collection:
                    put = collection.add if first else collection.upsert
                    put(
                        ids=[record.key for record in batch],
                        embeddings=vectors,
                        documents=[_storable(record.text) for record in batch],
                        metadatas=[_provenance(record) for record in batch],
                    )

    def recall(
        self,
        scope: str,
        query: str,
        *,
        limit: int = 8,
        commit: str | None = None,
        data_hash: str | None = None,
        repository: str | None = None,
        other_than: str = "",
        holding: bool = False,
    ) -> list[Recalled]:
        """The nearest records by cosine similarity; see Memory.

        Raises:
            MemoryDamaged: the index can't be used.
            StorageFull: the disk is.
        """
        if limit < 1:
            return []
        vector = self._embedder.embed([query])[0]
        with self._collection(scope) as collection:
            held = collection.count()
            if held == 0:
                return []
            answer = collection.query(
                query_embeddings=[vector],
                n_results=min(limit, held),
                where=_where(
                    {
                        "repository": repository,
                        "commit": commit if holding else None,
                        "data_hash": data_hash if holding else None,
                    },
                    other_than,
                ),
                include=["documents", "metadatas", "distances"],
            )
        found = [
            # What an older labcrew kept has its id as Chroma's alone.
            (MemoryRecord(**{"id": id_, "text": text} | kept), max(-1.0, min(1.0, 1.0 - distance)))
            for id_, text, kept, distance in zip(
                answer["ids"][0],
                answer["documents"][0],
                answer["metadatas"][0],
                answer["distances"][0],
                strict=True,
            )
        ]
        found.sort(key=lambda pair: (-round(pair[1], 6), pair[0].id))
        return [
            Recalled(record=record, similarity=near, lapsed=has_lapsed(record, commit, data_hash))
            for record, near in found
        ]

    def count(self, scope: str) -> int:
        """How many records a scope holds."""
        with self._collection(scope) as collection:
            return int(collection.count())

    def clear(self) -> None:
        """Removes the index's files, damaged or not; the next use starts an empty one."""
        with self._lock:
            self._disconnect()
            for path in self._folder.glob("chroma.sqlite3*"):
                path.unlink()
            for path in self._folder.iterdir() if self._folder.is_dir() else ():
                if path.is_dir() and _COLLECTION_FOLDER.fullmatch(path.name):
                    shutil.rmtree(path)

    def close(self) -> None:
        """Lets go of the folder."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._client is not None:
            with contextlib.suppress(Exception):  # a damaged index can't always be closed cleanly
                self._client.close()  # type: ignore[attr-defined]
            self._client = None

    @contextlib.contextmanager
    def _collection(self, scope: str) -> Iterator[Any]:
        with self._lock:
            try:
                yield self._open().get_or_create_collection(
                    f"labcrew-{scope}",
                    configuration={"hnsw": {"space": "cosine"}},
                    embedding_function=None,
                )
            except Exception as error:  # on a damaged folder Chroma raises far more than its own
                self._disconnect()
                if "disk is full" in str(error) or getattr(error, "errno", None) == 28:
                    raise StorageFull(
                        f"The memory in {self._folder} has no room: {error}.", "Free some disk."
                    ) from None
                raise MemoryDamaged(
                    f"The memory in {self._folder} can't be used: {error}.",
                    "It is an index of the ledger: make it anew with `labcrew memory rebuild`.",
                ) from None

    def _open(self) -> "ClientAPI":
        if self._client is None:
            import chromadb
            from chromadb.api.shared_system_client import SharedSystemClient
            from chromadb.config import Settings

            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                self._client = chromadb.PersistentClient(
                    path=str(self._folder), settings=Settings(anonymized_telemetry=False)
                )
            except Exception:
                # Chroma keeps what failed to start under its path, and would hand it out again.
                SharedSystemClient._identifier_to_system.pop(str(self._folder), None)
                raise
        return self._client


def has_lapsed(record: MemoryRecord, commit: str | None, data_hash: str | None) -> bool:
    """Whether the code or data that a record rests on is not the one given (None: not asked)."""
    return bool(
        (commit is not None and record.commit and record.commit != commit)
        or (data_hash is not None and record.data_hash and record.data_hash != data_hash)
    )


def _where(rests_on: dict[str, str | None], other_than: str) -> dict[str, Any] | None:
    """Chroma's filter for records that rest on what is given (None: not asked) or on none."""
    wanted: list[dict[str, Any]] = [
        {name: {"$in": ["", value]}} for name, value in rests_on.items() if value is not None
    ]
    if other_than:
        wanted.append({"ticket": {"$ne": other_than}})
    return {"$and": wanted} if len(wanted) > 1 else next(iter(wanted), None)


def _provenance(record: MemoryRecord) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude={"text"})


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
