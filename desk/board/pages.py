"""How a page is rendered: Jinja2, everything escaped."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from desk.web.access import Caller

FOLDER = Path(__file__).parent
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES = Jinja2Templates(env=_ENVIRONMENT)


def page(request: Request, template: str, caller: Caller, **values: Any) -> HTMLResponse:
    """A page, or a part of one.

    Args:
        template: its file in templates/.
        caller: who looks at it.
        values: what the template names.
    """
    csrf = getattr(request.state, "csrf", "")
    return _TEMPLATES.TemplateResponse(
        request, template, {"caller": caller, "csrf": csrf, **values}
    )


def bare(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A page without the board around it, for whoever is not signed in, and for errors."""
    return _TEMPLATES.TemplateResponse(request, template, values)
