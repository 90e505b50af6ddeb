"""GitLab, by python-gitlab."""

from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from labcrew.domain.forge import (
    Approver,
    CommitState,
    ForgeComment,
    ForgeIssue,
    ForgeRequest,
    Proposal,
)
from labcrew.errors import ForgeError, SettingsError
from tools.forges.calls import Answered, wait_asked_for
from tools.forges.remote import (
    LONGEST_STATUS,
    MOST_COMMENTS,
    MOST_REQUESTS,
    STATUS_NAME,
    RemoteForge,
    about_old_line,
    text_of,
)

_STATES = {"opened": "open", "locked": "open", "merged": "merged", "closed": "closed"}
_STATUS = {"pending": "pending", "success": "success", "failure": "failed"}
_DEVELOPER = 30  # GitLab's number of the role that may push
_ASKED = "requested changes"  # GitLab's own note, each time that a reviewer does


class GitLabForge(RemoteForge):
    """See RemoteForge."""

    _client: Any = None
    _asked_to_wait: str | None = None

    def check(self) -> str:
        project = self._calls.read(
            "asking for the project", lambda: self._gitlab.projects.get(self.settings.project)
        )
        user = self._me()
        return f"{self.name}: reached as {user[1] or 'a project token'}; {project.web_url}"

    def issue(self, number: int) -> ForgeIssue:
        def ask() -> ForgeIssue:
            found = self._project.issues.get(number)
            return ForgeIssue(
                title=text_of(found.title, found.web_url),
                text=text_of(found.description, found.web_url),
                url=str(found.web_url),
                state=str(found.state),
            )

        return self._calls.read(f"reading issue #{number}", ask)

    def find(self, branch: str) -> ForgeRequest | None:
        def ask() -> ForgeRequest | None:
            listed = self._project.mergerequests.list(
                source_branch=branch, order_by="created_at", sort="desc", iterator=True
            )
            # A fork may have a branch of the same name, and requests from it are listed too.
            found = next(filter(_is_own, islice(listed, MOST_REQUESTS)), None)
            return self._request(found) if found is not None else None

        return self._calls.read("looking for the request", ask)

    def look(self, number: int) -> ForgeRequest:
        def ask() -> ForgeRequest:
            found = self._project.mergerequests.get(number)
            if not _is_own(found):
                self._refuse_fork(found.web_url)
            return self._request(found)

        return self._calls.read(f"reading !{number}", ask)

    def update(self, number: int, proposal: Proposal) -> None:
        fields = {"title": proposal.title, "description": proposal.text}
        self._calls.write(
            f"changing !{number}", lambda: self._project.mergerequests.update(number, fields)
        )

    def comments(self, number: int) -> tuple[ForgeComment, ...]:
        return self._calls.read(f"reading !{number}'s comments", lambda: self._comments(number))

    def approvals(self, number: int) -> tuple[Approver, ...]:
        def ask() -> tuple[Approver, ...]:
            request = self._project.mergerequests.get(number, lazy=True)
            given = request.approvals.get().approved_by
            return tuple(
                Approver(by=str(each["user"]["username"]), at=str(each.get("approved_at") or ""))
                for each in given
                if self._is_member(each["user"]["id"])
            )

        return self._calls.read(f"reading !{number}'s approvals", ask)

    def set_status(self, commit: str, state: CommitState, text: str) -> None:
        fields = {
            "state": _STATUS[state],
            "name": STATUS_NAME,
            "description": text[:LONGEST_STATUS],
        }

        def say() -> None:
            self._project.commits.get(commit, lazy=True).statuses.create(fields)

        self._calls.write("saying how the smoke test went", say)

    def close(self, number: int) -> None:
        if self.look(number).state == "open":
            self._calls.write(
                f"closing !{number}",
                lambda: self._project.mergerequests.update(number, {"state_event": "close"}),
            )

    def _open(self, proposal: Proposal) -> ForgeRequest:
        fields = {
            "source_branch": proposal.branch,
            "target_branch": proposal.target,
            "title": proposal.title,
            "description": proposal.text,
        }
        return self._calls.write(
            "opening the request",
            lambda: self._request(self._project.mergerequests.create(fields)),
        )

    def _merge(self, number: int, head: str) -> None:
        path = f"{self._project.manager.path}/{self._project.encoded_id}/merge_requests/{number}"
        self._calls.write(
            f"merging !{number}",
            lambda: self._gitlab.http_put(f"{path}/merge", post_data={"sha": head}),
        )

    @property
    def _gitlab(self) -> Any:
        if self._client is None:
            self._client = self._connected()
        return self._client

    def _connected(self) -> Any:
        try:
            import gitlab
            import requests
        except ImportError:
            raise SettingsError(
                "GitLab needs labcrew[forges].", "pip install 'labcrew[forges]'"
            ) from None
        session = requests.Session()
        session.max_redirects = 0  # one would carry the token along
        session.hooks["response"].append(self._remember)

        class Once(gitlab.Gitlab):
            """Tries once: how often and how long is said in one place, Calls."""

            def http_request(self, *args: Any, **fields: Any) -> Any:
                once = {"obey_rate_limit": False, "max_retries": 0}
                return super().http_request(*args, **{**fields, **once})

        return Once(
            self.settings.api or self.settings.address,
            private_token=self._token.get_secret_value() or None,
            timeout=self.settings.timeout_s,
            keep_base_url=True,
            per_page=100,
            session=session,
        )

    def _remember(self, response: Any, *args: Any, **fields: Any) -> None:
        self._asked_to_wait = response.headers.get("Retry-After")

    @property
    def _project(self) -> Any:
        return self._gitlab.projects.get(self.settings.project, lazy=True)

    def _me(self) -> tuple[int, str]:
        if self._gitlab.user is None:
            try:
                self._calls.read("asking who we are", self._gitlab.auth)
            except ForgeError as error:
                if error.kind != "forbidden":
                    raise
                return 0, ""
        return int(self._gitlab.user.id), str(self._gitlab.user.username)

    def _is_member(self, user: Any) -> bool:
        """Whether somebody may push to the project, as it is now."""
        import gitlab

        try:
            member = self._project.members_all.get(int(user))
        except gitlab.GitlabError as error:
            if error.response_code == 404:
                return False
            raise
        return int(member.access_level) >= _DEVELOPER

    def _comments(self, number: int) -> tuple[ForgeComment, ...]:
        me, _ = self._me()
        request = self._project.mergerequests.get(number)
        notes = request.notes.list(iterator=True, order_by="created_at", sort="asc")
        is_member = cache(self._is_member)
        found = []
        asked: dict[int, Any] = {}
        for note in islice(notes, MOST_COMMENTS):
            author = int(note.author["id"])
            if note.system and note.body.lower().startswith(_ASKED):
                asked[author] = note
            if note.system or author == me:
                continue
            place = note.attributes.get("position") or {}
            text, line = text_of(note.body, request.web_url), place.get("new_line")
            if line is None and place.get("old_line"):
                text = about_old_line(text, int(place["old_line"]))
            found.append(
                ForgeComment(
                    id=f"note-{int(note.id)}",
                    by=str(note.author["username"]),
                    at=datetime.fromisoformat(note.created_at),
                    text=text,
                    path=str(place.get("new_path") or place.get("old_path") or ""),
                    line=line,
                    member=is_member(author),
                )
            )
        for reviewer in self._asking(request):
            author = int(reviewer.user["id"])
            # Where this GitLab makes no note of it, a reviewer can ask once.
            note = asked.get(author)
            found.append(
                ForgeComment(
                    id=f"asked-{int(note.id)}" if note is not None else f"asked-by-{author}",
                    by=str(reviewer.user["username"]),
                    at=datetime.fromisoformat((note or reviewer).created_at),
                    text="Changes are requested.",
                    member=is_member(author),
                    asks_for_changes=is_member(author),
                )
            )
        return tuple(sorted(found, key=lambda comment: (comment.at, comment.id)))

    def _asking(self, request: Any) -> list[Any]:
        """The reviewers who ask for changes; none where this GitLab is too old to say."""
        import gitlab

        try:
            details = request.reviewer_details.list(get_all=True)
        except gitlab.GitlabError as error:
            if error.response_code == 404:
                return []
            raise
        return [each for each in details if each.state == "requested_changes"]

    def _request(self, found: Any) -> ForgeRequest:
        return ForgeRequest.model_validate(
            {
                "number": found.iid,
                "url": found.web_url,
                "branch": found.source_branch,
                "target": found.target_branch,
                "head": found.sha or "",
                "state": _STATES[found.state],
            }
        )

    def _plain(self, error: Exception) -> Answered | None:
        import gitlab

        if isinstance(error, gitlab.GitlabParsingError | gitlab.exceptions.RedirectError):
            return Answered(200, "it is not JSON, or leads to another address", None)
        if isinstance(error, gitlab.GitlabError) and error.response_code is not None:
            wait = wait_asked_for(self._asked_to_wait)
            return Answered(error.response_code, str(error.error_message), wait)
        return None


def _is_own(found: Any) -> bool:
    """Whether a request comes from a branch of the project itself."""
    return bool(found.source_project_id == found.target_project_id)
