"""Settings for endpoints that fail: whoever is late is given up soon."""

from typing import Any

from evals.endpoint_faults import Fault
from labcrew.settings import ModelSettings

KEY = "sk-test-0123456789"
_SOON_S, _LONG_S = 0.5, 60


def model_at(url: str, fault: Fault | None = None, **changes: Any) -> ModelSettings:
    """A model behind an endpoint.

    Args:
        url: the endpoint's.
        fault: that it has; None: none for which a call may end late.
        changes: other settings.
    """
    limit_s = _SOON_S if fault is not None and "timed_out" in fault.kinds else _LONG_S
    return ModelSettings(
        **{
            "model": "test-model", "base_url": url, "api_key": KEY, "timeout_s": limit_s,
            "connect_s": limit_s / 2, "first_token_s": limit_s / 2,
            "between_tokens_s": limit_s / 2, "retries": 1, "retry_wait_s": 0.02, **changes,
        }
    )  # fmt: skip
