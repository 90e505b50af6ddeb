"""When well-known packages made releases that broke programs: facts, for versions of a time.

Only bounds below which there are wheels for Python 3.11 stand here.
"""

from agents.drafting.requirement_lines import Line, digits

# package → (day of the release, the release), oldest first.
_RELEASES: dict[str, tuple[tuple[str, str], ...]] = {
    "numpy": (
        ("2022-12-18", "1.24"), ("2023-06-17", "1.25"), ("2023-09-16", "1.26"),
        ("2024-06-16", "2"),
    ),
    "scipy": (
        ("2023-01-03", "1.10"), ("2023-06-25", "1.11"), ("2024-01-20", "1.12"),
        ("2024-04-02", "1.13"), ("2024-06-24", "1.14"), ("2025-01-03", "1.15"),
    ),
    "pandas": (("2023-04-03", "2"), ("2023-08-30", "2.1"), ("2024-01-20", "2.2")),
    "scikit-learn": (
        ("2022-12-08", "1.2"), ("2023-06-30", "1.3"), ("2024-01-18", "1.4"),
        ("2024-05-21", "1.5"), ("2024-12-09", "1.6"), ("2025-06-05", "1.7"),
    ),
    "matplotlib": (
        ("2023-02-13", "3.7"), ("2023-09-15", "3.8"), ("2024-05-16", "3.9"),
        ("2024-12-14", "3.10"),
    ),
    "seaborn": (("2023-09-29", "0.13"),),
    "statsmodels": (("2023-05-05", "0.14"),),
    "networkx": (("2023-01-07", "3"),),
    "pillow": (("2023-07-01", "10"),),
    "xgboost": (("2023-09-12", "2"), ("2024-06-20", "2.1")),
    "lightgbm": (("2023-07-14", "4"),),
    "gymnasium": (("2024-10-08", "1"),),
    "pydantic": (("2023-06-30", "2"),),
    "sqlalchemy": (("2023-01-26", "2"),),
    "pytorch-lightning": (("2023-03-15", "2"),),
    "protobuf": (("2022-05-26", "4"),),
    "torch": (("2023-03-15", "2"), ("2025-01-29", "2.6")),
    "tensorflow": (("2024-03-08", "2.16"),),
    "keras": (("2023-11-28", "3"),),
}  # fmt: skip
# The first releases that have wheels for Python 3.11.
_FIRST_WITH_WHEELS = {
    "numpy": "1.23.2",
    "scipy": "1.9.2",
    "pandas": "1.5",
    "scikit-learn": "1.1.3",
    "scikit-image": "0.20",
    "matplotlib": "3.6",
    "statsmodels": "0.13.3",
    "pillow": "9.2",
    "h5py": "3.8",
    "numba": "0.57",
    "tensorflow": "2.12",
    "torch": "1.13",
}
LARGE = frozenset({"torch", "tensorflow", "keras"})
"""Gigabytes of another version are fetched only where a failure names the package."""
_BUILT_ON_NUMPY = """
scipy pandas scikit-learn matplotlib seaborn statsmodels xgboost lightgbm gymnasium scikit-image
numba torch tensorflow
"""
_ON_NUMPY = frozenset(_BUILT_ON_NUMPY.split())


def bound_of(package: str, day: str) -> str | None:
    """The first release after a day that broke programs; None where none is known.

    Args:
        package: its name as the index compares it.
        day: ISO 8601; what follows the day does not count.
    """
    released = _RELEASES.get(package, ())
    return next((version for when, version in released if when > day[:10]), None) if day else None


def too_old(line: Line) -> bool:
    """Whether a requirement names a version from before there were wheels for Python 3.11."""
    first = _FIRST_WITH_WHEELS.get(line.key)
    return first is not None and any(
        operator in ("==", "===", "~=", "<", "<=") and digits(version) < digits(first)
        for operator, version in line.versions
    )


def rests_on_numpy(packages: frozenset[str]) -> bool:
    """Whether one of the packages is built against numpy."""
    return bool(packages & _ON_NUMPY)
