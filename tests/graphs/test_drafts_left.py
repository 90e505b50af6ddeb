"""A draft that ended before its drafter was killed is given back at the next look."""

from pathlib import Path

from graphs.crew import Crew
from graphs.drafting.drafter import Drafter
from labcrew.domain.draft import Draft
from labcrew.judgement import Judge
from labcrew.settings import Settings
from tests.doubles.bench import make_bench
from tests.doubles.embedder import WordEmbedder


async def test_what_ended_before_a_kill_is_given_back(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    written = Draft(
        id="D-001",
        repository="/lab",
        base_commit="b" * 40,
        sentence="lower the validation loss",
        asked_by="ada",
        asked_at="2026-01-01T00:00:00+00:00",
        status="written",
    )
    drafter = Drafter(
        Crew.of(Judge(models={}), WordEmbedder()), bench, Settings(), holder="the next life"
    )
    with bench.ledger as ledger:
        ledger.drafts.put(written, actor="worker")
        ledger.acquire("D-001", "killed", 600)
        for _ in range(2):
            assert await drafter.advance("D-001") == written
            assert ledger.lease_of("D-001") is None
        kinds = [event.kind for event in ledger.events.of("D-001")]
        assert kinds.count("lease.acquired") == 2
