"""The application over a home, asked over HTTP without a socket."""

from starlette.testclient import TestClient

from desk.web.access import Access, Role
from desk.web.app import create_app
from desk.web.feed import Feed
from desk.web.lab import Lab
from desk.wiring import Opened


def lab_at(opened: Opened) -> Lab:
    return Lab(opened, Access(opened.home.root / "access.json"), Feed(opened.ledger))


def client_of(lab: Lab, role: Role | None = "approver", name: str = "ada") -> TestClient:
    """Someone who asks; None: nobody that is known."""
    headers = {} if role is None else {"Authorization": f"Bearer {lab.access.add(name, role)}"}
    return TestClient(create_app(lab), headers=headers, base_url="http://127.0.0.1:8080")
