"""What the API shows of a ticket's work."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from desk.web.lab import Lab
from desk.wiring import Opened
from labcrew.domain.review import MergeRequest
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import git
from tests.desk.records import merge_request, trial
from tests.desk.web.clients import client_of, lab_at

API = "/api/v1"


@pytest.fixture
def lab(opened: Opened, toy: Path) -> Lab:
    file = toy / "ticket.md"
    opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    return lab_at(opened)


@pytest.fixture
def client(lab: Lab) -> TestClient:
    return client_of(lab)


@pytest.fixture
def request_(lab: Lab, opened: Opened, toy: Path) -> MergeRequest:
    """A merge request whose commit changes, adds and deletes files."""
    repository = toy / "toy"
    (repository / "train.py").write_text("import x\nprint('better')\n")
    (repository / "new file.txt").write_text("--- a/none\n+++ b/none\n")
    (repository / "data" / "holdout.csv").unlink()
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "change")
    head = git(repository, "rev-parse", "HEAD")
    office = opened.office()
    office.repositories.take("T-001", repository, head, snapshot=False)
    assigned = opened.ledger.tickets.get("T-001")
    made = merge_request(opened, assigned, trial(opened, "T-001", 1))
    made = made.model_copy(update={"commit": head, "plots": ("trials.svg",)})
    opened.ledger.merge_requests.put(made, actor="merge_request")
    return made


def test_trials_and_what_they_printed(client: TestClient, opened: Opened) -> None:
    for number in (1, 2, 3):
        trial(opened, "T-001", number)
    logs = opened.home.artefacts("T-001") / "logs"
    logs.mkdir(parents=True)
    lines = [f'{{"step": {n}, "loss": {1 / n}, "bad": NaN}}' for n in range(1, 1001)]
    (logs / "T-001-002.log").write_text("\n".join(lines))
    page = client.get(f"{API}/tickets/T-001/trials", params={"limit": 2}).json()
    assert [t["id"] for t in page["items"]] == ["T-001-003", "T-001-002"]
    series = client.get(f"{API}/trials/T-001-002/metrics").json()
    [loss] = series["series"]
    assert (loss["name"], loss["steps"][0], loss["values"][0]) == ("loss", 1, 1.0)
    assert (loss["steps"][-1], len(loss["steps"]) <= 257) == (1000, True)
    assert client.get(f"{API}/trials/T-001-003/metrics").json()["series"] == []
    assert client.get(f"{API}/trials/T-001-009").status_code == 404


def test_a_link_in_the_place_of_a_log_is_not_followed(
    client: TestClient, opened: Opened, tmp_path: Path
) -> None:
    trial(opened, "T-001", 1)
    logs = opened.home.artefacts("T-001") / "logs"
    logs.mkdir(parents=True)
    (tmp_path / "secret").write_text("loss=1\n")
    (logs / "T-001-001.log").symlink_to(tmp_path / "secret")
    refused = client.get(f"{API}/trials/T-001-001/metrics")
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_difference_by_file_and_line(client: TestClient, request_: MergeRequest) -> None:
    url = f"{API}/merge-requests/{request_.id}"
    files = client.get(f"{url}/files", params={"limit": 2}).json()
    rest = client.get(f"{url}/files", params={"after": files["next"]}).json()
    states = {one["path"]: one["state"] for one in [*files["items"], *rest["items"]]}
    assert states == {
        "data/holdout.csv": "removed",
        "new file.txt": "added",
        "train.py": "changed",
    }
    shown = client.get(f"{url}/files/diff", params={"path": "train.py"}).json()
    [section] = shown["sections"]
    told = [
        tuple(row[side] and (row[side]["number"], row[side]["text"]) for side in ("old", "new"))
        for row in section["rows"]
    ]
    assert [old for old, _ in told if old] == [(1, "print('hello')")]
    assert [new for _, new in told if new] == [(1, "import x"), (2, "print('better')")]
    assert client.get(f"{url}/files/diff", params={"path": "none"}).status_code == 404
    whole = client.get(f"{url}/diff").json()
    assert "+print('better')" in whole["diff"]
    assert (whole["insertions"], whole["deletions"]) == (4, 3)


def test_remarks_on_lines(client: TestClient, request_: MergeRequest) -> None:
    url = f"{API}/merge-requests/{request_.id}/comments"
    key = {"Idempotency-Key": "c-1"}
    body = {"text": "Why import x?", "path": "train.py", "line": 1}
    first = client.post(url, json=body, headers=key)
    assert first.status_code == 201, first.text
    assert client.post(url, json=body, headers=key).json() == first.json()
    assert client.post(url, json={"text": "And this?"}).json()["id"] == f"{request_.id}-C02"
    listed = client.get(url, params={"limit": 1}).json()
    assert [c["text"] for c in listed["items"]] == ["And this?"]
    rest = client.get(url, params={"before": listed["next"]}).json()["items"]
    assert [(c["path"], c["line"], c["by"]) for c in rest] == [("train.py", 1, "ada")]
    assert client.post(url, json={"text": ""}).status_code == 422
    assert client.post(url, json={"text": "x", "line": 0}).status_code == 422


def test_plots_are_pictures_and_nothing_else(
    client: TestClient, request_: MergeRequest, opened: Opened, tmp_path: Path
) -> None:
    folder = opened.home.artefacts("T-001")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trials.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "other.svg").write_text("<svg/>")
    plots = f"{API}/merge-requests/{request_.id}/plots"
    shown = client.get(f"{plots}/trials.svg")
    assert shown.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in shown.headers["content-security-policy"]
    assert client.get(f"{plots}/other.svg").status_code == 404
    assert client.get(f"{plots}/..%2F..%2Fhome.json").status_code == 404


def test_lines_in_pages(client: TestClient) -> None:
    client.post(f"{API}/tickets/T-001/pause")
    client.post(f"{API}/tickets/T-001/resume")
    first = client.get(f"{API}/tickets/T-001/events", params={"limit": 2}).json()
    assert [e["kind"] for e in first["items"]] == ["ticket.assigned", "ticket.paused"]
    rest = client.get(f"{API}/tickets/T-001/events", params={"after": first["next"]}).json()
    assert [e["kind"] for e in rest["items"]] == ["ticket.resumed"]
    only = client.get(f"{API}/tickets/T-001/events", params={"kind": "ticket.paused"}).json()
    assert len(only["items"]) == 1


def test_the_lab(client: TestClient, lab: Lab, opened: Opened) -> None:
    trial(opened, "T-001", 1)
    who = client_of(lab, "viewer", "bo").get(f"{API}/whoami").json()
    assert (who["name"], who["role"]) == ("bo", "viewer")
    crew = {one["actor"]: one for one in client.get(f"{API}/crew").json()["items"]}
    assert "T-001-001" in crew["experiment_launcher"]["doing"]
    assert crew["literature_review"]["doing"] == ""
    costs = client.get(f"{API}/tickets/T-001/costs").json()
    assert (costs["trials"], costs["run_hours"]) == (1, 0.01)
    report = client.get(f"{API}/tickets/T-001/report", params={"format": "md"})
    assert report.headers["content-type"].startswith("text/markdown")
    assert "A better learning rate" in report.text
    assert client.get(f"{API}/morning", params={"since": "2d"}).json()["tickets"]
    assert client.get(f"{API}/morning", params={"since": "soon"}).status_code == 422
    found = client.get(
        f"{API}/memory", params={"query": "learning rate", "scope": "trials"}
    ).json()["items"]
    assert [hit["record"]["id"] for hit in found] == ["T-001-001"]
    for missing in ("brief", "plan"):
        assert client.get(f"{API}/tickets/T-001/{missing}").status_code == 404
    for empty in ("findings", "datasets", "incidents"):
        assert client.get(f"{API}/tickets/T-001/{empty}").json() == {"items": [], "next": None}
