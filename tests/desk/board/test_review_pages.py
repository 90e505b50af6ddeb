"""The merge request's pages: what they show, and that nothing of what they show can run."""

from pathlib import Path
from urllib.parse import quote

import pytest

from desk.wiring import Opened
from labcrew.domain.review import Comment, Decision
from tests.desk.board.reviewed import EVIL, LINK, Page, committed, reviewed
from tests.desk.web.clients import client_of, lab_at

TRAIN = b"print('hello')\nprint('world')\n"


def remark(opened: Opened, request: str, number: int, **fields: object) -> None:
    made = Comment(
        id=f"{request}-C{number:02d}",
        merge_request=request,
        by="bob",
        at=opened.clock.now(),
        text="Why so?",
    ).model_copy(update=fields)
    opened.ledger.comments.put(made, actor="person:bob", kind="merge_request.commented")


def test_an_empty_home(opened: Opened) -> None:
    client = client_of(lab_at(opened), "viewer")
    assert "No merge requests yet." in client.get("/merge-requests").text
    assert "No merge requests are open." in client.get("/merge-requests?status=open").text
    assert client.get("/merge-requests/T-001-MR0").status_code == 404
    assert client.get("/merge-requests?status=odd").status_code == 422


def test_a_review(opened: Opened, toy: Path) -> None:
    _, request = reviewed(opened, toy, {"train.py": TRAIN}, description="It is **better**.")
    remark(opened, request.id, 1, path="train.py", line=2)
    remark(opened, request.id, 2, path="train.py", line=40, text="Elsewhere")
    client = client_of(lab_at(opened))
    assert request.id in client.get("/merge-requests?status=open").text

    page = Page(client.get(f"/merge-requests/{request.id}").text)
    for words in ("better", "0.9100", "T-001-001", "train.py", "+1", "Approve", "Why so?"):
        assert words in page.words
    gate = opened.ledger.gates.of(request.ticket)[-1]
    forms = [named["data-api"] for tag, named in page.tags if tag == "form" and "data-api" in named]
    assert forms == [
        f"POST /api/v1/gates/{gate.id}/decision",
        f"POST /api/v1/merge-requests/{request.id}/verify",
        f"POST /api/v1/merge-requests/{request.id}/comments",
        f"POST /api/v1/merge-requests/{request.id}/comments",
    ]
    assert ("input", "payload_hash", gate.payload_hash) in [
        (tag, named.get("name"), named.get("value")) for tag, named in page.tags
    ]
    titles = {named.get("title") for tag, named in page.tags if tag == "code"}
    score = request.evidence[0].scores[0]
    assert {score.commit, score.data_sha256, score.image_digest, score.outputs_sha256} <= titles

    file = Page(client.get(f"/merge-requests/{request.id}/file?path=train.py").text)
    lines = [n["data-line"] for tag, n in file.tags if n.get("class") == "line-number"]
    assert lines == ["1", "2"]
    # A comment stands behind its line; one on a line that is not shown stands under the file.
    assert file.words.index("Why so?") < file.words.index("Elsewhere")
    assert client.get(f"/merge-requests/{request.id}/file?path=none.py").status_code == 404


def test_a_viewer_only_looks(opened: Opened, toy: Path) -> None:
    _, request = reviewed(opened, toy, {"train.py": TRAIN})
    client = client_of(lab_at(opened), "viewer")
    page = Page(client.get(f"/merge-requests/{request.id}").text)
    assert not [n for tag, n in page.tags if tag == "form" and "data-api" in n]
    assert "you are a viewer here" in page.words
    file = Page(client.get(f"/merge-requests/{request.id}/file?path=train.py").text)
    assert not [tag for tag, _ in file.tags if tag == "button"]


def test_what_changed_since_a_revision(opened: Opened, toy: Path) -> None:
    ticket, first = reviewed(opened, toy, {"train.py": TRAIN}, status="superseded")
    remark(opened, first.id, 1, resolved_by_revision=1)
    head = committed(opened, toy, ticket.id, {"more.py": b"x = 1\n"})
    second = first.model_copy(
        update={"id": "T-001-MR1", "revision": 1, "commit": head, "status": "open"}
    )
    opened.ledger.merge_requests.put(second, actor="merge_request", kind="merge_request.opened")
    client = client_of(lab_at(opened))
    whole = Page(client.get("/merge-requests/T-001-MR1").text).words
    assert "train.py" in whole
    assert "more.py" in whole
    assert "resolved by revision 1" in whole
    since = Page(client.get("/merge-requests/T-001-MR1?since=T-001-MR0").text).words
    assert "Changes since revision 0" in since
    assert "train.py +" not in since
    assert "more.py" in since
    old = Page(client.get("/merge-requests/T-001-MR0").text).words
    assert "the newest is revision 1" in old
    assert client.get("/merge-requests/T-001-MR0?since=T-001-MR1").status_code == 404


def test_a_repository_that_is_gone_leaves_the_rest(opened: Opened, toy: Path) -> None:
    _, request = reviewed(opened, toy, {"train.py": TRAIN}, commit="1" * 40)
    page = Page(client_of(lab_at(opened)).get(f"/merge-requests/{request.id}").text)
    assert "The difference can't be shown now" in page.words
    assert "0.9100" in page.words


@pytest.mark.parametrize("name", ["a b&c.py", '"quoted" <b>.py', "[x](y).md", "日本語.py"])
def test_hostile_text_never_runs(opened: Opened, toy: Path, name: str) -> None:
    evil = f"{EVIL} {LINK}"
    ticket, request = reviewed(
        opened,
        toy,
        {name: evil.encode() + b"\n", "train.py": evil.encode()},
        title=evil,
        description=f"{evil}\n\n| a |\n| --- |\n| {EVIL} |",
        branch=EVIL,
        target=EVIL,
        merge_note=evil,
        plots=(f"{EVIL}.svg".replace("/", "_"),),
    )
    request = request.model_copy(
        update={"smoke": request.smoke and request.smoke.model_copy(update={"detail": evil})}
    )
    opened.ledger.merge_requests.put(request, actor="merge_request")
    remark(opened, request.id, 1, text=evil, by=EVIL, path=name, line=1)
    gate = opened.ledger.gates.of(ticket.id)[-1]
    decision = Decision(
        gate=gate.id,
        ticket=ticket.id,
        kind="respond",
        by=EVIL,
        at=opened.clock.now(),
        payload_hash=gate.payload_hash,
        comment=evil,
    )
    opened.ledger.decisions.put(decision, actor="person:x")
    client = client_of(lab_at(opened))
    for address in (
        "/merge-requests",
        f"/merge-requests/{request.id}",
        f"/merge-requests/{request.id}/file?path={quote(name)}",
        f"/merge-requests/{request.id}/file?path=train.py",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        page = Page(answer.text)
        assert page.wrong == [], address
        assert "{{7*7}}" in "".join(page.text), address


def test_of_a_huge_change_little_is_sent(opened: Opened, toy: Path) -> None:
    line = b"0123456789abcdef" * 4 + b"\n"
    files = {f"data/part-{number:03d}.txt": line * 16_000 for number in range(48)}
    _, request = reviewed(opened, toy, {**files, "train.py": TRAIN})  # 50 MB
    client = client_of(lab_at(opened))
    page = client.get(f"/merge-requests/{request.id}")
    assert page.text.count('class="file"') + page.text.count('class="file one-column"') == 49
    assert len(page.text) < 400_000
    one = client.get(f"/merge-requests/{request.id}/file?path=data/part-007.txt")
    assert "Only the first lines are shown: 16,000 lines come and 0 go." in one.text
    assert len(one.text) < 2_000_000
