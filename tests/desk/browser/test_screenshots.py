"""Pictures of the main pages, light and dark, wide and narrow; none of them is blank.

With LABCREW_SCREENSHOTS=1 they are kept in docs/screenshots, else they are made and looked at only.
"""

import io
import os
from itertools import product
from pathlib import Path
from typing import Literal

import pytest

from tests.desk.board.story import told
from tests.desk.browser.conftest import Board, SignedIn
from tests.desk.evolved import evolved

KEPT = Path(__file__).parents[3] / "docs" / "screenshots"
SIZES = {"wide": (1440, 900), "middle": (1024, 800), "narrow": (390, 844)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAGES = {
    "tickets": "/tickets",
    "ticket": "/tickets/T-001",
    "trials": "/tickets/T-001/trials",
    "inbox": "/inbox",
    "gate": "/gates/T-002-plan-r0.0",
    "assign": "/assign",
    "evolve": "/evolve",
    "crew": "/crew",
    "chat": "/chat",
    "report": "/report?since=1d",
    "evolution": "/evolutions/E-001",
}
_LEAST_BYTES, _LEAST_COLOURS = 8_000, 24


def colours(png: bytes) -> int:
    """How many colours a picture has, counted on a part of its points."""
    import matplotlib.image as images
    import numpy as np

    points = (images.imread(io.BytesIO(png))[::4, ::4, :3] * 255).astype(np.uint32)
    packed = points[..., 0] << 16 | points[..., 1] << 8 | points[..., 2]
    return len(np.unique(packed))


def test_no_page_is_blank(
    board: Board, signed_in: SignedIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(board.opened, board.toy)
    loop = evolved(board.opened, board.toy, monkeypatch)
    # As a person would see it: not the folder that this test happened to be given.
    shown = loop.model_copy(update={"repository": "/home/ada/lab/solver"})
    board.opened.ledger.evolutions.put(shown, actor="person:ada")
    page = signed_in()
    page.clock.set_fixed_time(board.opened.clock.now())
    keep = bool(os.environ.get("LABCREW_SCREENSHOTS"))
    for (size, (width, height)), theme in product(SIZES.items(), THEMES):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme)
        folder = KEPT if keep and size != "middle" else tmp_path
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in PAGES.items():
            page.goto(path)
            page.locator("h1").wait_for()
            if name == "evolution":
                page.wait_for_function("document.querySelector('.plot-file').naturalWidth > 0")
            if name in ("assign", "evolve"):
                page.locator("#checked").filter(has_text="still missing").wait_for()
            picture = page.screenshot(path=folder / f"{name}-{size}-{theme}.png")
            where = f"{path}, {size} and {theme},"
            assert len(picture) > _LEAST_BYTES, f"{where} looks empty"
            assert colours(picture) > _LEAST_COLOURS, f"{where} looks blank"
