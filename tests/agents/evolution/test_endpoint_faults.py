"""The proposer that asks a model, against every fault of an endpoint, over HTTP."""

from random import Random
from typing import Any

import pytest

from agents.evolution.proposers import proposers
from desk.models import chat_of
from evals.endpoint import Says
from evals.endpoint_faults import FAULTS, Fault
from labcrew.errors import ModelFailure
from tests.agents.evolution.situations import files, situation
from tests.agents.evolution.test_proposers import GOOD, SUMS
from tests.faulty import KEY, model_at


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """The client's library, whose import takes longer than the time limits."""
    import langchain_openai  # noqa: F401


def right(body: dict[str, Any]) -> Says:
    return Says(GOOD)


@pytest.mark.timeout(300)  # a server that says nothing says it until the test is over
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_nothing_is_proposed_but_what_was_read_whole(fault: Fault) -> None:
    """A failure that passes is told, so that the loop keeps its place."""
    with fault.served(right) as served:
        [proposer] = proposers(("model_diff",), chat_of(model_at(served.base_url, fault)))
        proposal, failure = None, None
        try:
            proposal = await proposer.propose(situation(files(SUMS)), Random(0))
        except ModelFailure as raised:
            failure = raised
        assert len(served.requests) <= 4
    if failure is not None:
        assert failure.passes
        assert failure.kind in fault.kinds
        assert KEY not in str(failure)
    if proposal is None:
        assert not fault.harmless
    else:
        assert not fault.kinds
        assert [file.path for file in proposal.files] == ["program/main.py"]
        assert "return sum(numbers)" in proposal.files[0].text
