"""What is read from pip's last lines; the logs are pip's own, shortened."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.install_failures import Reason, failures, install_trouble

LOGS = Path(__file__).parent / "pip_logs"
KNOWN: list[tuple[str, Reason, tuple[str, ...]]] = [
    ("no_version", "no_version", ("iniconfig",)),
    ("other_python", "other_python", ("numba",)),
    ("requires_python", "other_python", ("oldlib",)),
    ("conflict", "conflict", ("pandas", "python-dateutil")),
    ("twice", "conflict", ("iniconfig", "iniconfig")),
    ("invalid", "not_a_requirement", ("numpy",)),
    ("metadata", "build", ("broken",)),
    ("metadata_of_many", "build", ("scikit-learn",)),
    ("wheel", "build", ("brokenwheel",)),
    ("hashes", "hashes", ()),
    ("unreachable", "unreachable", ()),
    ("storage", "storage", ()),
]


@pytest.mark.parametrize(("name", "reason", "packages"), KNOWN)
def test_real_logs(name: str, reason: Reason, packages: tuple[str, ...]) -> None:
    log = (LOGS / f"{name}.txt").read_text(encoding="utf-8")
    first = failures(log)[0]
    assert (first.reason, first.packages) == (reason, packages)
    trouble = install_trouble("pip failed", log)
    assert trouble.message.endswith(".")
    assert trouble.supply
    assert all(package in trouble.what for package in packages)
    assert first.line[:50] in trouble.evidence[0].text


def test_what_the_makers_own_words_tell() -> None:
    assert install_trouble("it took too long", "").kind == "time"
    assert install_trouble("its memory ran out", "").kind == "memory"
    missing = install_trouble("none.txt is not in the repository at abc", "")
    assert (missing.kind, "none.txt" in missing.message) == ("crash", True)


@given(st.text(max_size=400), st.lists(st.sampled_from([log for log, _, _ in KNOWN]), max_size=3))
def test_any_log_gives_a_trouble(text: str, names: list[str]) -> None:
    log = text + "\n".join((LOGS / f"{n}.txt").read_text(encoding="utf-8") for n in names)
    trouble = install_trouble(text, log)
    assert trouble.message
    assert trouble.what
