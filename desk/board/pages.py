"""How a page is rendered: Jinja2, everything cleaned, capped and escaped."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from desk.board import wording
from desk.board.assets import asset
from desk.board.markdown import rendered
from desk.views.failed import failed_count
from desk.web.access import Caller, needs
from desk.web.lab import Lab, lab_of
from labcrew.domain.base import Model

FOLDER = Path(__file__).parent


class Item(Model):
    """A page in the navigation.

    Args:
        key: pressed after `g` it goes there.
        less: behind "More" on narrow screens.
    """

    href: str
    label: str
    icon: str
    key: str
    less: bool = False


NAVIGATION = (
    Item(href="/inbox", label="Inbox", icon="inbox", key="i"),
    Item(href="/tickets", label="Tickets", icon="tickets", key="t"),
    Item(href="/assign", label="Assign", icon="plus", key="a"),
    Item(href="/crew", label="Crew", icon="crew", key="w"),
    Item(href="/merge-requests", label="Merge requests", icon="merge", key="m", less=True),
    Item(href="/evolutions", label="Evolution", icon="loop", key="e", less=True),
    Item(href="/chat", label="Chat", icon="chat", key="c", less=True),
    Item(href="/memory", label="Memory", icon="memory", key="k", less=True),
    Item(href="/report", label="Report", icon="report", key="r", less=True),
    Item(href="/settings", label="Settings", icon="settings", key="s", less=True),
)

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=wording.shown,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals |= {"asset": asset, "navigation": NAVIGATION, "nothing": wording.NOTHING}
_ENVIRONMENT.filters |= wording.FILTERS | {"markdown": rendered}
_TEMPLATES = Jinja2Templates(env=_ENVIRONMENT)


def _lab_as_it_is(request: Request) -> Lab:
    # The number is taken before the page reads anything: what is written meanwhile comes live.
    lab = lab_of(request)
    request.state.after = lab.ledger.events.last()
    return lab


Viewer = Annotated[Caller, Depends(needs("viewer"))]
"""Anyone who may look."""
BoardLab = Annotated[Lab, Depends(_lab_as_it_is)]
"""The lab that a page shows."""


def page(request: Request, template: str, caller: Caller, **values: Any) -> HTMLResponse:
    """A page, or a part of one.

    Args:
        template: its file in templates/.
        caller: who looks at it.
        values: what the template names; `here` is the address of the navigation's present item.
    """
    lab = lab_of(request)
    after = getattr(request.state, "after", None)
    common = {
        "caller": caller,
        "person": caller,  # the same, for inside of {% call %}, where `caller` is what is called
        "csrf": getattr(request.state, "csrf", ""),
        "here": "/" + request.url.path.strip("/").split("/")[0],
        "after": lab.ledger.events.last() if after is None else after,
        "waiting": len(lab.office.inbox()) + failed_count(lab.ledger),
    }
    return _TEMPLATES.TemplateResponse(request, template, common | values)


def bare(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A page without the board around it, for whoever is not signed in, and for errors."""
    return _TEMPLATES.TemplateResponse(request, template, values)
