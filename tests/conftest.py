"""What holds for every test."""

from hypothesis import HealthCheck, settings

# The same examples in each run, and no time limit: machines are shared, and some are slow.
settings.register_profile(
    "labcrew", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("labcrew")
