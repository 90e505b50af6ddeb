"""A memory in a dictionary; passes tests/contracts/test_memory.py like the real one."""

from labcrew.domain.research import Embedder, MemoryRecord, Recalled


class DictMemory:
    """Compares every record with the query."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._records: dict[tuple[str, str], tuple[MemoryRecord, list[float]]] = {}

    def remember(self, records: list[MemoryRecord]) -> None:
        vectors = self._embedder.embed([record.text for record in records])
        for record, vector in zip(records, vectors, strict=True):
            if record.scope == "findings":
                self._records.setdefault((record.scope, record.key), (record, vector))
            else:
                self._records[record.scope, record.key] = (record, vector)

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
        asked = self._embedder.embed([query])[0]
        found = [
            (record, sum(a * b for a, b in zip(asked, vector, strict=True)))
            for (where, _), (record, vector) in self._records.items()
            if where == scope
            and (repository is None or record.repository in ("", repository))
            and (not other_than or record.ticket != other_than)
            and not (holding and _lapsed(record, commit, data_hash))
        ]
        found.sort(key=lambda pair: (-round(pair[1], 6), pair[0].id))
        return [
            Recalled(
                record=record,
                similarity=max(-1.0, min(1.0, near)),
                lapsed=_lapsed(record, commit, data_hash),
            )
            for record, near in found[: max(limit, 0)]
        ]

    def count(self, scope: str) -> int:
        return sum(where == scope for where, _ in self._records)

    def clear(self) -> None:
        self._records.clear()


def _lapsed(record: MemoryRecord, commit: str | None, data_hash: str | None) -> bool:
    return (bool(record.commit) and commit not in (None, record.commit)) or (
        bool(record.data_hash) and data_hash not in (None, record.data_hash)
    )
