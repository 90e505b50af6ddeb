"""Chat models of scripted endpoints, with short time limits."""

import pytest

KEY = "sk-test-0123456789"


@pytest.fixture(autouse=True, scope="session")
def _imported() -> None:
    """The client's library, whose import takes longer than these time limits."""
    import langchain_openai  # noqa: F401


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
