"""
---
name: shorter-start
for: Learns from the first few settings on.
needs: [startup_trials]
put: replace function startup_trials
---
"""


def startup_trials(budget: int) -> int:
    """Settings drawn at random before the sampler learns.

    Args:
        budget: trials that there are in all.
    """
    return max(START_LEAST, min(START_MOST, int(budget * STARTUP_SHARE)))


START_LEAST = 3  # 1..8
START_MOST = 10  # 4..20
