"""How much room a text takes in DejaVu Sans, so that what does not fit is set smaller."""

from functools import lru_cache
from pathlib import Path
from typing import Any

_LINE = 1.17  # of the size
_SAFETY = 1.06  # words are not broken at a line's very end


def font_file(bold: bool = False) -> Path:
    """The font's file; Matplotlib brings it along, under a free licence."""
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


def width(text: str, size: float, bold: bool = False) -> float:
    """A line's width in points; what the font lacks is taken as wide as it is high."""
    advances = _advances(bold)
    return sum(advances.get(ord(character), 1.0) for character in text) * size


def height(lines: list[str], size: float, room: float, bold: bool, after: float) -> float:
    """The height in points of lines that are broken at `room` points, `after` below each."""
    rows = sum(1 + int(width(line, size, bold) * _SAFETY // room) for line in lines)
    return rows * size * _LINE + len(lines) * after


@lru_cache(maxsize=2)
def _advances(bold: bool) -> dict[int, float]:
    from fontTools.ttLib import TTFont

    with TTFont(font_file(bold), lazy=True) as font:
        units = font["head"].unitsPerEm
        metrics: Any = font["hmtx"]
        return {code: metrics[name][0] / units for code, name in font.getBestCmap().items()}
