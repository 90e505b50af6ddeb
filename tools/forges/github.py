"""GitHub, by PyGithub."""

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

_MEMBERS = ("OWNER", "MEMBER", "COLLABORATOR")
_MAY_PUSH = ("admin", "write")


class GitHubForge(RemoteForge):
    """See RemoteForge."""

    _client: Any = None
    _login: str | None = None

    def check(self) -> str:
        page = self._calls.read("asking for the repository", lambda: self._repository.html_url)
        return f"{self.name}: reached as {self._me() or 'an app'}; {page}"

    def issue(self, number: int) -> ForgeIssue:
        def ask() -> ForgeIssue:
            found = self._repository.get_issue(number)
            return ForgeIssue(
                title=text_of(found.title, found.html_url),
                text=text_of(found.body, found.html_url),
                url=str(found.html_url),
                state=str(found.state),
            )

        return self._calls.read(f"reading issue #{number}", ask)

    def find(self, branch: str) -> ForgeRequest | None:
        owner = self.settings.project.partition("/")[0]

        def ask() -> ForgeRequest | None:
            listed = self._repository.get_pulls(
                state="all", head=f"{owner}:{branch}", sort="created", direction="desc"
            )
            # An owner may have forks of its own repository, with branches of the same name.
            found = next(filter(_is_own, islice(listed, MOST_REQUESTS)), None)
            return self._request(found) if found is not None else None

        return self._calls.read("looking for the request", ask)

    def look(self, number: int) -> ForgeRequest:
        def ask() -> ForgeRequest:
            found = self._repository.get_pull(number)
            if not _is_own(found):
                self._refuse_fork(found.html_url)
            return self._request(found)

        return self._calls.read(f"reading #{number}", ask)

    def update(self, number: int, proposal: Proposal) -> None:
        self._calls.write(
            f"changing #{number}",
            lambda: self._repository.get_pull(number).edit(
                title=proposal.title, body=proposal.text
            ),
        )

    def comments(self, number: int) -> tuple[ForgeComment, ...]:
        return self._calls.read(f"reading #{number}'s comments", lambda: self._comments(number))

    def approvals(self, number: int) -> tuple[Approver, ...]:
        def ask() -> tuple[Approver, ...]:
            newest: dict[str, Approver | None] = {}
            known: dict[str, bool] = {}
            reviews = self._repository.get_pull(number).get_reviews()
            for review in islice(reviews, MOST_COMMENTS):
                user = review.user.login if review.user else ""
                if review.state in ("CHANGES_REQUESTED", "DISMISSED"):
                    newest[user] = None
                elif review.state == "APPROVED" and self._is_member(review, known):
                    newest[user] = Approver(
                        by=user, at=review.submitted_at.isoformat(), commit=review.commit_id or ""
                    )
            return tuple(approver for approver in newest.values() if approver is not None)

        return self._calls.read(f"reading #{number}'s reviews", ask)

    def set_status(self, commit: str, state: CommitState, text: str) -> None:
        self._calls.write(
            "saying how the smoke test went",
            lambda: self._repository.get_commit(commit).create_status(
                state, description=text[:LONGEST_STATUS], context=STATUS_NAME
            ),
        )

    def close(self, number: int) -> None:
        if self.look(number).state == "open":
            self._calls.write(
                f"closing #{number}",
                lambda: self._repository.get_pull(number).edit(state="closed"),
            )

    def _open(self, proposal: Proposal) -> ForgeRequest:
        return self._calls.write(
            "opening the request",
            lambda: self._request(
                self._repository.create_pull(
                    base=proposal.target,
                    head=proposal.branch,
                    title=proposal.title,
                    body=proposal.text,
                )
            ),
        )

    def _merge(self, number: int, head: str) -> None:
        self._calls.write(
            f"merging #{number}", lambda: self._repository.get_pull(number).merge(sha=head)
        )

    @property
    def _github(self) -> Any:
        if self._client is None:
            self._client = self._connected()
        return self._client

    def _connected(self) -> Any:
        try:
            import github
        except ImportError:
            raise SettingsError(
                "GitHub needs labcrew[forges].", "pip install 'labcrew[forges]'"
            ) from None
        address = self.settings.url
        api = self.settings.api or (f"{address}/api/v3" if address else "https://api.github.com")
        token = self._token.get_secret_value()
        return github.Github(
            auth=github.Auth.Token(token) if token else None,
            base_url=api,
            timeout=max(1, round(self.settings.timeout_s)),
            per_page=100,
            lazy=True,
            retry=None,  # how often and how long is said in one place, Calls
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    @property
    def _repository(self) -> Any:
        return self._github.get_repo(self.settings.project)

    def _me(self) -> str:
        if self._login is None:
            try:
                self._login = str(
                    self._calls.read("asking who we are", lambda: self._github.get_user().login)
                )
            except ForgeError as error:
                if error.kind != "forbidden":
                    raise
                self._login = ""
        return self._login

    def _is_member(self, found: Any, known: dict[str, bool]) -> bool:
        """Whether somebody may push to the repository, as it is now: who may only read it can be a
        collaborator too.

        Args:
            known: what was asked before, a person each.
        """
        login = found.user.login if found.user else ""
        if not login or found.author_association not in _MEMBERS:
            return False
        if login not in known:
            from github import GithubException

            try:
                known[login] = self._repository.get_collaborator_permission(login) in _MAY_PUSH
            except GithubException as error:
                if error.status != 404:
                    raise
                known[login] = False
        return known[login]

    def _comments(self, number: int) -> tuple[ForgeComment, ...]:
        me = self._me()
        pull = self._repository.get_pull(number)
        found = []
        known: dict[str, bool] = {}
        for kind, listed in (
            ("comment", pull.get_issue_comments()),
            ("line", pull.get_review_comments()),
            ("review", pull.get_reviews()),
        ):
            for each in islice(listed, MOST_COMMENTS):
                author = each.user.login if each.user else ""
                asks = kind == "review" and each.state == "CHANGES_REQUESTED"
                if author == me or (kind == "review" and not asks and not each.body):
                    continue
                member = self._is_member(each, known)
                text = text_of(each.body, pull.html_url) or "Changes are requested." * asks
                line = _line(each) if kind == "line" else None
                if line is not None and each.side == "LEFT":
                    text, line = about_old_line(text, line), None
                found.append(
                    ForgeComment(
                        id=f"{kind}-{int(each.id)}",
                        by=author or "a deleted account",
                        at=each.submitted_at if kind == "review" else each.created_at,
                        text=text,
                        path=str(each.path or "") if kind == "line" else "",
                        line=line,
                        member=member,
                        asks_for_changes=member and asks,
                    )
                )
        return tuple(sorted(found, key=lambda comment: (comment.at, comment.id)))

    def _request(self, found: Any) -> ForgeRequest:
        state = "merged" if found.merged_at is not None else found.state
        return ForgeRequest.model_validate(
            {
                "number": found.number,
                "url": found.html_url,
                "branch": found.head.ref,
                "target": found.base.ref,
                "head": found.head.sha,
                "state": state,
            }
        )

    def _plain(self, error: Exception) -> Answered | None:
        import github

        if not isinstance(error, github.GithubException):
            return None
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        data = error.data if isinstance(error.data, dict) else {}
        told = data.get("message", "")
        if data.get("errors"):
            told = f"{told}: {str(data['errors']).replace(chr(39), chr(34))}"
        return Answered(error.status, str(told), wait_asked_for(headers.get("retry-after")))


def _is_own(found: Any) -> bool:
    """Whether a request comes from a branch of the repository itself; a fork may be gone."""
    return found.head.repo is not None and bool(found.head.repo.id == found.base.repo.id)


def _line(comment: Any) -> int | None:
    line = comment.line or comment.original_line  # of a line that is no more: where it was
    return int(line) if line else None
