"""A real server of the Model Context Protocol, written with its SDK, on loopback."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp


@dataclass
class Shelf:
    """What the server's tools do, which a test may change.

    Args:
        heard: every call, in order.
    """

    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: Callable[[str], str] = lambda topic: f"two notes about {topic}"


def notes_server(shelf: Shelf, describe: str = "Finds the lab's notes about a topic.") -> MCPServer:
    """A server with a tool `find_notes`, described as it is told, and a tool `fail`."""
    server = MCPServer("notes")

    @server.tool(name="find_notes", description=describe)
    def find_notes(topic: str, limit: int = 3) -> str:
        shelf.heard.append(("find_notes", {"topic": topic, "limit": limit}))
        return shelf.answer(topic)

    @server.tool(name="fail", description="Always fails.")
    def fail() -> str:
        raise ValueError("no such shelf")

    return server


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serves an application on loopback; answers its base URL."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            app, log_level="critical", lifespan="on", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            for _ in range(500):
                if server.started:
                    break
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)


@contextlib.contextmanager
def mcp_over_http(server: MCPServer) -> Iterator[str]:
    """Serves an MCP server on loopback; answers its URL."""
    with serving(server.streamable_http_app()) as base:
        yield f"{base}/mcp"
