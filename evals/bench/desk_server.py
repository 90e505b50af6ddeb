"""The servers that are measured, each in a process of its own: `python -m evals.bench.desk_server`.

`bare` is a FastAPI application with one route that answers a small JSON value; `board HOME` is
what `labcrew board` serves, with a token printed first.
"""

import asyncio
import sys
from pathlib import Path

from fastapi import FastAPI

from desk.web.serving import Server, listen, make_ready


def bare() -> tuple[FastAPI, None]:
    """The least that a page of the same framework costs."""
    app = FastAPI(openapi_url=None)

    @app.get("/")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app, None


def main(kind: str, home: str = "") -> None:
    """Serves until it is ended; prints port and token on one line."""
    import uvicorn

    listening = listen(0)
    port = listening.getsockname()[1]
    if kind == "bare":
        app, _ = bare()
        print(port, "-", flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])
        return
    from desk.web.app import create_app
    from desk.web.lab import Lab
    from desk.wiring import open_home

    with open_home(Path(home)) as opened:
        lab = Lab.of(opened)
        app = create_app(lab)
        make_ready(app)
        print(port, lab.access.add("bench", "approver"), flush=True)
        asyncio.run(Server(app, lab).run_on(listening))


if __name__ == "__main__":
    main(*sys.argv[1:])
