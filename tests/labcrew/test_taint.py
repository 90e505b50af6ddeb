"""Taint is written once a source, with its time, and never taken back."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from labcrew.domain.research import UntrustedText
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from labcrew.taint import taint, tainted, taints


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    home = Home(tmp_path / "home")
    home.create()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=SystemClock()) as ledger:
        yield ledger


def test_the_first_of_each_source_stands(ledger: Ledger) -> None:
    assert not tainted(ledger, "T-001")
    for source in get_args(UntrustedText):
        taint(ledger, "T-001", source, actor="log_monitor", because="first")
        first = taints(ledger, "T-001")
        taint(ledger, "T-001", source, actor="coordinator", because="again")
        assert taints(ledger, "T-001") == first
    assert [t.source for t in taints(ledger, "T-001")] == list(get_args(UntrustedText))
    assert {t.because for t in taints(ledger, "T-001")} == {"first"}
    assert tainted(ledger, "T-001")
    assert not tainted(ledger, "T-002")
    assert ledger.verify() == []
