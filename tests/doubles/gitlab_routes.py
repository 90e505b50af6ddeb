"""GitLab's published API, version 4, as far as labcrew speaks it."""

from re import Match
from typing import Any

from tests.doubles.forge_server import (
    ALICE,
    ME,
    PROJECT,
    STRANGER,
    TOKEN,
    Answer,
    ForgeServer,
    Refused,
    Request,
    Route,
)

USERS = dict((ME, ALICE, STRANGER))
_API = "/api/v4"
_P = rf"{_API}/projects/(?:{PROJECT}|3)"
_STATES = {"open": "opened", "merged": "merged", "closed": "closed"}
AT = "2026-01-01T12:00:00.000Z"


def gitlab_server(root: Any) -> ForgeServer:
    return ForgeServer(root, ROUTES, lambda headers: headers.get("PRIVATE-TOKEN") == TOKEN)


def user(id: int) -> dict[str, Any]:
    return {"id": id, "username": USERS[id], "name": USERS[id], "state": "active"}


def shown(forge: ForgeServer, request: Request) -> dict[str, Any]:
    head = forge.head_of(request)
    return {
        "id": request.number + 1000, "iid": request.number, "project_id": 3,
        "source_project_id": 666 if request.fork else 3, "target_project_id": 3,
        "title": request.title, "description": request.text, "state": _STATES[request.state],
        "source_branch": request.branch, "target_branch": request.target, "sha": head or None,
        "web_url": f"{forge.url}/{PROJECT}/-/merge_requests/{request.number}",
        "detailed_merge_status": "mergeable", "draft": False, "author": user(ME[0]),
    }  # fmt: skip


def project(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, {"id": 3, "path_with_namespace": PROJECT, "web_url": f"{forge.url}/{PROJECT}"}


def me(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, user(ME[0])


def listed(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, [shown(forge, r) for r in forge.of_branch(fields["source_branch"])]


def opened(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    if not forge.head(fields["source_branch"]):
        return 400, {"message": {"base": ['Source branch "x" does not exist']}}
    if forge.is_open(fields["source_branch"]):
        return 409, {"message": ["Another open merge request already exists: !7"]}
    made = forge.add(
        fields["source_branch"], fields["target_branch"], fields["title"], fields["description"]
    )
    return 201, shown(forge, made)


def one(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, shown(forge, forge.request(found[1]))


def changed(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    request = forge.request(found[1])
    request.title = fields.get("title", request.title)
    request.text = fields.get("description", request.text)
    if fields.get("state_event") == "close":
        request.state = "closed"
    return 200, shown(forge, request)


def merged(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    request = forge.request(found[1])
    if request.state != "open":
        return 405, {"message": "405 Method Not Allowed"}
    if fields.get("sha") and fields["sha"] != forge.head_of(request):
        return 409, {"message": "SHA does not match HEAD of source branch"}
    forge.merge(request)
    return 200, shown(forge, request)


def notes(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    made = []
    for comment in forge.request(found[1]).comments:
        path = comment.get("path")
        sides = ("old_line", "new_line") if comment.get("old") else ("new_line", "old_line")
        place = {"position_type": "text", "old_path": path, "new_path": path}
        place |= dict(zip(sides, (comment.get("line"), None), strict=True))
        made.append(
            {
                "id": comment["id"], "body": comment["text"], "author": user(comment["user"]),
                "created_at": AT, "system": comment.get("system", False),
                "type": "DiffNote" if path else None, **({"position": place} if path else {}),
            }
        )  # fmt: skip
    return 200, made


def approvals(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    request = forge.request(found[1])
    given = [{"user": user(a["user"]), "approved_at": a["at"]} for a in request.approvals]
    return 200, {"approved": bool(given), "approved_by": given}


def reviewers(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    request = forge.request(found[1])
    return 200, [
        {
            "user": user(id), "created_at": AT,
            "state": "requested_changes" if id in request.asking else "unreviewed",
        }
        for id in (ALICE[0],)
    ]  # fmt: skip


def member(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    if int(found[1]) not in forge.members:
        raise Refused(404, {"message": "404 Not found"})
    return 200, user(int(found[1])) | {"access_level": 30}


def status(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    forge.statuses.append((found[1], fields["state"], fields["description"]))
    return 201, {"id": 1, "sha": found[1], "status": fields["state"], "name": fields["name"]}


def issue(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    known = forge.issues.get(int(found[1]))
    if known is None:
        raise Refused(404, {"message": "404 Not found"})
    return 200, {
        "id": 1, "iid": int(found[1]), "title": known["title"], "description": known["text"],
        "state": "opened", "web_url": f"{forge.url}/{PROJECT}/-/issues/{found[1]}",
    }  # fmt: skip


_MR = rf"{_P}/merge_requests"
ROUTES: list[Route] = [
    ("GET", _P, project),
    ("GET", f"{_API}/user", me),
    ("GET", _MR, listed),
    ("POST", _MR, opened),
    ("GET", rf"{_MR}/(\d+)", one),
    ("PUT", rf"{_MR}/(\d+)", changed),
    ("PUT", rf"{_MR}/(\d+)/merge", merged),
    ("GET", rf"{_MR}/(\d+)/notes", notes),
    ("GET", rf"{_MR}/(\d+)/approvals", approvals),
    ("GET", rf"{_MR}/(\d+)/reviewers", reviewers),
    ("GET", rf"{_P}/members/all/(\d+)", member),
    ("POST", rf"{_P}/statuses/([0-9a-f]+)", status),
    ("GET", rf"{_P}/issues/(\d+)", issue),
]
