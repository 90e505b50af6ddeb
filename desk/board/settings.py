"""The settings, to be read; and what the board rests on."""

import shutil

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from desk.board.pages import BoardLab, Viewer, page
from desk.doctor import Check
from desk.models.answering import described
from desk.views.settings import settings_of
from desk.web.lab import Lab
from desk.wiring import redaction
from labcrew.errors import LabcrewError
from sandboxes.client import connect

router = APIRouter(prefix="/settings", include_in_schema=False)
_ENGINE_S = 3
_LOW_BYTES = 5e9


@router.get("")
def settings(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """What is set, where it comes from, and who may enter."""
    opened = lab.opened
    return page(
        request,
        "settings.html",
        caller,
        groups=settings_of(opened.settings, opened.home.settings_file, redaction(opened.settings)),
        file=opened.home.settings_file,
        tokens=lab.access.all() if caller.may("approver") else (),
    )


@router.get("/health")
def health(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """Whether what the crew rests on is there; asks the engine, and no network."""
    return page(request, "settings_health.html", caller, checks=_checks(lab))


def _checks(lab: Lab) -> list[Check]:
    models = "; ".join(described(lab.opened.settings))
    usage = shutil.disk_usage(lab.opened.home.root)
    low = usage.free < _LOW_BYTES
    return [
        _engine(),
        Check(
            name="models",
            state="ok",
            detail=models or "none set: judgements are made by rules",
            remedy="" if not models else "They are not asked here: labcrew doctor --model",
        ),
        Check(
            name="disk",
            state="warning" if low else "ok",
            detail=f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.0f}",
            remedy="Free some, or run `labcrew clean`." if low else "",
        ),
        Check(name="ledger", state="ok", detail=f"{lab.ledger.events.last():,} lines"),
    ]


def _engine() -> Check:
    try:
        client = connect(_ENGINE_S)
    except LabcrewError as error:
        return Check(name="engine", state="problem", detail=error.message, remedy=error.remedy)
    try:
        version = str(client.version().get("Version", "?"))
    except Exception as error:  # the client raises what its HTTP library does, too
        return Check(name="engine", state="problem", detail=f"It does not answer: {error}")
    finally:
        client.close()
    return Check(name="engine", state="ok", detail=f"Docker {version} answers")
