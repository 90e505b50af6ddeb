"""The ASGI application: the REST API under /api/v1, the board's pages beside it."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from desk import api, board
from desk.web import sign_in
from desk.web.answering import answer_errors
from desk.web.guard import Guard
from desk.web.lab import Lab

API = "/api/v1"


def create_app(lab: Lab) -> FastAPI:
    """Everything that `labcrew board` serves.

    Args:
        lab: the home and who may enter.
    """
    app = FastAPI(
        title="labcrew",
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.lab = lab
    app.add_middleware(Guard, lab=lab)
    answer_errors(app)
    for router in api.ROUTERS:
        app.include_router(router, prefix=API)
    for router in (sign_in.router, *board.ROUTERS):
        app.include_router(router)
    for _ in iter_route_contexts(app.routes):
        pass  # FastAPI builds a route when it is first looked at; now, not in the first request
    return app
