"""A measured figure beside its bound, and how all of them are shown and kept."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from labcrew.domain.base import Model

RESULTS = Path(__file__).resolve().parents[1] / "results"


class Figure(Model):
    """One figure: the bound holds for `value`; `parts` says what it was made from."""

    name: str
    value: float
    unit: Literal["times", "ms", "s", "MiB", "calls/s", "%"]
    bound: float
    at_least: bool = False
    parts: dict[str, float]
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value is within its bound."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


class Machine(Model):
    """What it was measured on."""

    cores: int
    python: str
    system: str
    load: float


class Report(Model):
    """A whole run of the benchmark."""

    machine: Machine
    figures: tuple[Figure, ...]


def this_machine() -> Machine:
    """Cores, Python and load; nothing that names the machine."""
    return Machine(
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        load=round(os.getloadavg()[0], 2),
    )


def show(report: Report) -> None:
    """Prints the figures as a table."""
    from rich.console import Console
    from rich.table import Table

    machine = report.machine
    table = Table(
        title=f"labcrew's own costs · {machine.cores} cores, Python {machine.python},"
        f" load {machine.load:g} at the start"
    )
    for column, justify in (("figure", "left"), ("measured", "right"), ("bound", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    table.add_column("within")
    table.add_column("made from", overflow="fold")
    for figure in report.figures:
        parts = [f"{name} {value:.4g}" for name, value in figure.parts.items()]
        table.add_row(
            figure.name,
            _spelt(figure.value, figure.unit),
            ("≥ " if figure.at_least else "≤ ") + _spelt(figure.bound, figure.unit),
            "yes" if figure.holds else "NO",
            ", ".join(parts) + (f". {figure.note}" if figure.note else ""),
        )
    made = Console()
    made.width = made.width if made.is_terminal else 120
    made.print(table)


def _spelt(value: float, unit: str) -> str:
    return f"{value:.{2 if unit == 'times' else 1}f} {unit}"


def keep(report: Report, folder: Path, name: str) -> Path:
    """Writes the report as JSON and answers the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(report.model_dump_json(indent=2) + "\n")
    return file


def median(values: Sequence[float]) -> float:
    """The middle value; the mean of the two middle ones for an even count."""
    import statistics

    return statistics.median(values)
