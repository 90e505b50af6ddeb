"""The ASGI application: the REST API under /api/v1, the board's pages beside it."""

from fastapi import FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint

from desk import api, board
from desk.web.lab import Lab
from desk.web.problems import told
from labcrew.errors import LabcrewError

API = "/api/v1"


def create_app(lab: Lab) -> FastAPI:
    """Everything that `labcrew board` serves.

    Args:
        lab: the home and who may enter.
    """
    app = FastAPI(title="labcrew", version="1", docs_url=None, redoc_url=None)
    app.state.lab = lab
    app.add_exception_handler(LabcrewError, told)

    @app.middleware("http")
    async def known(request: Request, call_next: RequestResponseEndpoint) -> Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            request.state.caller = lab.access.caller(token.strip())
        return await call_next(request)

    for router in api.ROUTERS:
        app.include_router(router, prefix=API)
    for router in board.ROUTERS:
        app.include_router(router)
    return app
