"""GitHub's published REST API, as far as labcrew speaks it."""

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
_API = "/api/v3"
_R = rf"{_API}/repos/{PROJECT}"
AT = "2026-01-01T12:00:00Z"


def github_server(root: Any) -> ForgeServer:
    return ForgeServer(
        root, ROUTES, lambda headers: headers.get("Authorization") == f"token {TOKEN}"
    )


def user(id: int) -> dict[str, Any]:
    return {"id": id, "login": USERS[id], "type": "User"}


def standing(forge: ForgeServer, id: int) -> str:
    return "COLLABORATOR" if id in forge.members | forge.readers else "NONE"


def permission(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    id = next((id for id, login in USERS.items() if login == found[1]), 0)
    may = "write" if id in forge.members else "read"
    return 200, {"permission": may, "role_name": may, "user": user(id)}


def shown(forge: ForgeServer, request: Request) -> dict[str, Any]:
    api = f"{forge.url}{_API}/repos/{PROJECT}"
    head = forge.head_of(request)
    own = repository_of(forge)
    fork = own | {"id": 666, "full_name": "lab/fork", "name": "fork"}
    return {
        "id": request.number + 1000, "number": request.number, "title": request.title,
        "body": request.text, "state": "open" if request.state == "open" else "closed",
        "merged": request.state == "merged", "merged_at": AT if request.merged_head else None,
        "url": f"{api}/pulls/{request.number}", "issue_url": f"{api}/issues/{request.number}",
        "html_url": f"{forge.url}/{PROJECT}/pull/{request.number}", "user": user(ME[0]),
        "head": {
            "ref": request.branch, "sha": head, "label": f"lab:{request.branch}",
            "repo": fork if request.fork else own,
        },
        "base": {"ref": request.target, "sha": forge.head(request.target), "repo": own},
    }  # fmt: skip


def repository_of(forge: ForgeServer) -> dict[str, Any]:
    return {
        "id": 3, "name": "toy", "full_name": PROJECT, "html_url": f"{forge.url}/{PROJECT}",
        "url": f"{forge.url}{_API}/repos/{PROJECT}",
    }  # fmt: skip


def repository(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, repository_of(forge)


def me(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, user(ME[0]) | {"url": f"{forge.url}{_API}/users/{ME[1]}"}


def listed(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    owner, _, branch = fields["head"].partition(":")
    assert owner == PROJECT.partition("/")[0], "GitHub wants owner:branch"
    return 200, [shown(forge, r) for r in forge.of_branch(branch)]


def opened(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    wrong = {"resource": "PullRequest", "field": "head", "code": "invalid"}
    if not forge.head(fields["head"]):
        return 422, {"message": "Validation Failed", "errors": [wrong]}
    if forge.is_open(fields["head"]):
        there = {"resource": "PullRequest", "message": "A pull request already exists for it."}
        return 422, {"message": "Validation Failed", "errors": [there]}
    made = forge.add(fields["head"], fields["base"], fields["title"], fields["body"])
    return 201, shown(forge, made)


def one(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, shown(forge, forge.request(found[1]))


def changed(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    request = forge.request(found[1])
    request.title = fields.get("title", request.title)
    request.text = fields.get("body", request.text)
    if fields.get("state") == "closed":
        request.state = "closed"
    return 200, shown(forge, request)


def merged(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    request = forge.request(found[1])
    if request.state != "open":
        return 405, {"message": "Pull Request is not mergeable"}
    if fields.get("sha") and fields["sha"] != forge.head_of(request):
        return 409, {"message": "Head branch was modified. Review and try the merge again."}
    forge.merge(request)
    return 200, {"sha": request.merged_head, "merged": True, "message": "merged"}


def _remark(forge: ForgeServer, comment: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": comment["id"], "body": comment["text"], "user": user(comment["user"]),
        "created_at": AT, "author_association": standing(forge, comment["user"]),
    }  # fmt: skip


def comments(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    listed = forge.request(found[1]).comments
    return 200, [_remark(forge, c) for c in listed if not c.get("path") and not c.get("system")]


def line_comments(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    return 200, [
        _remark(forge, c)
        | {"path": c["path"], "line": c["line"], "original_line": c["line"]}
        | {"side": "LEFT" if c.get("old") else "RIGHT"}
        for c in forge.request(found[1]).comments
        if c.get("path")
    ]


def reviews(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    request = forge.request(found[1])
    head = forge.head(request.branch)
    made = [
        {
            "id": 500 + number, "user": user(given["user"]), "body": "", "state": "APPROVED",
            "submitted_at": given["at"], "commit_id": given.get("commit", head),
            "author_association": standing(forge, given["user"]),
        }
        for number, given in enumerate(request.approvals)
    ]  # fmt: skip
    made += [
        {
            "id": 700 + id, "user": user(id), "body": "", "state": "CHANGES_REQUESTED",
            "submitted_at": AT, "commit_id": head, "author_association": standing(forge, id),
        }
        for id in sorted(request.asking)
    ]  # fmt: skip
    return 200, made


def commit(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    if forge.git("cat-file", "-t", found[1]) != "commit":
        raise Refused(422, {"message": f"No commit found for SHA: {found[1]}"})
    url = f"{forge.url}{_API}/repos/{PROJECT}/commits/{found[1]}"
    return 200, {"sha": found[1], "url": url}


def status(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    forge.statuses.append((found[1], fields["state"], fields["description"]))
    return 201, {"id": 1, "state": fields["state"], "context": fields["context"]}


def issue(forge: ForgeServer, found: Match[str], fields: dict[str, Any]) -> Answer:
    known = forge.issues.get(int(found[1]))
    if known is None:
        raise Refused(404, {"message": "Not Found"})
    return 200, {
        "id": 1, "number": int(found[1]), "title": known["title"], "body": known["text"],
        "state": "open", "html_url": f"{forge.url}/{PROJECT}/issues/{found[1]}",
    }  # fmt: skip


ROUTES: list[Route] = [
    ("GET", _R, repository),
    ("GET", f"{_API}/user", me),
    ("GET", rf"{_R}/collaborators/([^/]+)/permission", permission),
    ("GET", rf"{_R}/pulls", listed),
    ("POST", rf"{_R}/pulls", opened),
    ("GET", rf"{_R}/pulls/(\d+)", one),
    ("PATCH", rf"{_R}/pulls/(\d+)", changed),
    ("PUT", rf"{_R}/pulls/(\d+)/merge", merged),
    ("GET", rf"{_R}/issues/(\d+)/comments", comments),
    ("GET", rf"{_R}/pulls/(\d+)/comments", line_comments),
    ("GET", rf"{_R}/pulls/(\d+)/reviews", reviews),
    ("GET", rf"{_R}/commits/([0-9a-f]+)", commit),
    ("POST", rf"{_R}/statuses/([0-9a-f]+)", status),
    ("GET", rf"{_R}/issues/(\d+)", issue),
]
