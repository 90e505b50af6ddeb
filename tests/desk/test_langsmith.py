"""LangSmith, set by its own variables, gets the graph's steps and the calls of our client."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from evals.endpoint import Says, endpoint

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict
from desk.models.endpoint import EndpointChat
from labcrew.domain.chat import Message
from labcrew.settings import ModelSettings

chat = EndpointChat(ModelSettings(model="m", base_url=sys.argv[1], stream=False))

class State(TypedDict, total=False):
    said: str

async def plan_the_ticket(state):
    reply = await chat.reply([Message(role="user", content="how many seeds?")])
    return {"said": reply.message.content}

graph = StateGraph(State)
graph.add_node("plan_the_ticket", plan_the_ticket)
graph.add_edge(START, "plan_the_ticket")
graph.add_edge("plan_the_ticket", END)
print(asyncio.run(graph.compile().ainvoke({}))["said"])
"""


@contextmanager
def langsmith(status: int) -> Iterator[tuple[str, list[bytes]]]:
    """Takes what LangSmith's client sends; answers its address and what came."""
    came: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(status)

        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self._answer(status)

        do_PATCH = do_POST

        def _answer(self, code: int) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(smith: str) -> str:
    """The program, with LangSmith's variables; answers its output."""
    variables = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": smith,
        "LANGSMITH_API_KEY": "lsv2_pt_of_a_test",
        "PYTHONPATH": str(ROOT),
    }
    with endpoint(Says("five")) as served:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, served.base_url],
            env=os.environ | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    return done.stdout.strip()


def test_steps_and_calls_arrive() -> None:
    with langsmith(200) as (address, came):
        assert run(address) == "five"
    sent = b"".join(came)
    assert b"plan_the_ticket" in sent
    assert b'"run_type":"llm"' in sent
    assert b"how many seeds?" in sent


def test_a_langsmith_that_fails_holds_nothing_up() -> None:
    with langsmith(500) as (address, _came):
        assert run(address) == "five"
