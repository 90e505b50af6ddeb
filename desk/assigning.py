"""What is checked before a ticket is taken, so that nothing starts that can't end well."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labcrew.domain.data_input import DataInput
from labcrew.domain.repository import Checkout, Lacking, Repositories
from labcrew.domain.ticket import Ticket
from labcrew.errors import BoundaryError, InputError, TicketError
from labcrew.given_path import given_path
from labcrew.host_paths import refusal
from labcrew.path_patterns import seen_through
from labcrew.patterns import hidden, matches
from labcrew.settings import Settings

_HASHED_MB = 512


@dataclass(frozen=True)
class Examined:
    """A ticket that can be taken.

    Args:
        repository: the user's repository, absolute.
        commit: full id of where work starts; the snapshot's where one was asked for.
        branch: what a merge would fast-forward, None for none.
        files: the commit's paths.
        warnings: what a person should know, none of it fatal.
    """

    repository: Path
    commit: str
    branch: str | None
    files: tuple[str, ...]
    warnings: tuple[str, ...]


def examine(
    ticket: Ticket,
    name: str,
    beside: Path,
    repositories: Repositories,
    settings: Settings,
) -> Examined:
    """Checks a ticket against the repository, the machine and the settings.

    Args:
        ticket: as read.
        name: of the trusted repository that takes the commit in.
        beside: the folder that a relative repository path starts from.
        repositories: the git boundary.
        settings: tells whether a chat model is there.

    Raises:
        RepositoryError: the repository, commit or branch.
        TicketError: everything else that is wrong, a line each.
    """
    _needs_a_model(ticket, settings)
    checkout = repositories.inspect(located(ticket, beside), ticket.commit)
    if ticket.branch is not None:
        repositories.inspect(str(checkout.repository), f"refs/heads/{ticket.branch}")
    commit = repositories.take(name, checkout.repository, checkout.commit, snapshot=ticket.snapshot)
    files = repositories.files(name, commit)
    troubles = [
        *_missing(ticket, files),
        *_seen_by_links(ticket, files, repositories.links(name, commit)),
        *_unwritable(ticket, files),
        *_external_troubles(ticket),
        *_needs_outputs(ticket, files),
        *_reads_and_reaches(ticket),
    ]
    if not troubles:
        troubles = _overlaps(ticket, name, commit, repositories)
    if troubles:
        raise TicketError(
            "\n".join(troubles), "Correct the ticket, or commit what is missing, and try again."
        )
    return Examined(
        repository=checkout.repository,
        commit=commit,
        branch=ticket.branch or checkout.branch,
        files=files,
        warnings=(
            *_kept(checkout, ticket),
            *_warnings(ticket),
            *_left_out(ticket, files),
            *_not_copied(repositories.lacking(name, commit)),
        ),
    )


def located(ticket: Ticket, beside: Path) -> str:
    """The ticket's repository, as a path from the folder that relative ones start from.

    Raises InputError: no path can be spelt so.
    """
    return str(given_path(ticket.repository, beside))


def _needs_a_model(ticket: Ticket, settings: Settings) -> None:
    if ticket.kind == "search":
        return
    from agents.programming.options import PROGRAMMING
    from desk.models.answering import asked_for

    if not asked_for(settings, PROGRAMMING):
        raise InputError(
            f"A ticket of kind {ticket.kind} has code written, which needs a chat model; none is"
            " set.",
            "Set LABCREW_MODELS__DEFAULT__MODEL and, for a server of your own,"
            " LABCREW_MODELS__DEFAULT__BASE_URL (or [models.default] in the home's labcrew.toml)."
            " Tickets of kind search need none.",
        )
    if not ticket.editable:
        raise InputError(
            f"A ticket of kind {ticket.kind} needs `editable`: the paths that it may change.",
            "Name files or patterns, as src/** or train.py; for a test that is to be written, its"
            " folder too.",
        )
    if ticket.search_space:
        raise InputError(
            f"A ticket of kind {ticket.kind} has code written; its search_space would be left"
            " aside.",
            "Take search_space out, and search settings with a second ticket on the merged code.",
        )


def _missing(ticket: Ticket, files: Sequence[str]) -> list[str]:
    """Files that the ticket names and the commit does not have."""
    named: list[tuple[str, str]] = []
    if ticket.settings.file is not None:
        named.append(("settings.file", ticket.settings.file))
    if ticket.environment.requirements is not None:
        named.append(("environment.requirements", ticket.environment.requirements))
    if ticket.environment.dockerfile is not None:
        named.append(("environment.dockerfile", ticket.environment.dockerfile))
    if ticket.literature.library is not None:
        named.append(("literature.library", ticket.literature.library))
    for i, item in enumerate(ticket.data):
        if not item.external and not item.private:
            named.append((f"data[{i}].path", item.path))
    known = {*files, *(str(parent) for path in files for parent in PurePosixPath(path).parents)}
    missing = [
        f"{field}: {path!r} is not in commit {ticket.commit}; is it committed?"
        for field, path in named
        if path not in known
    ]
    return missing + _hides_nothing(ticket, files, known) + _overwrites(ticket, files, known)


def _unwritable(ticket: Ticket, files: Sequence[str]) -> list[str]:
    """A settings file that the merge request would have to change, and may not."""
    file = ticket.settings.file
    if ticket.kind != "search" or file is None or file not in files:
        return []
    if matches(file, ticket.editable):
        return []
    return [
        f"settings.file: {file!r} is not among the editable paths, so the best settings could not"
        " be written into it; name it in editable"
    ]


def _overwrites(ticket: Ticket, files: Sequence[str], known: Collection[str]) -> list[str]:
    """Files of the evaluator's own that would stand in the place of the repository's."""
    evaluator = ticket.evaluator
    if evaluator is None:
        return []
    return [
        f"evaluator.files: {path!r} is in commit {ticket.commit} already; choose another name, or"
        " name it in evaluator.private, so that no trial sees the one it replaces"
        for path in evaluator.files
        if (path in known and not matches(path, evaluator.private))
        or any(str(parent) in set(files) for parent in PurePosixPath(path).parents)
    ]


def _hides_nothing(ticket: Ticket, files: Sequence[str], known: Collection[str]) -> list[str]:
    """Private paths that would hide no file, by which a trial could read what it must not."""
    private = [
        ("evaluator.private", path)
        for path in (ticket.evaluator.private if ticket.evaluator is not None else ())
    ] + [
        (f"data[{i}].path", item.path)
        for i, item in enumerate(ticket.data)
        if item.private and not item.external
    ]
    troubles = []
    for field, path in private:
        hides = any(matches(file, (path,)) for file in files)
        if hides and (path in known or field == "evaluator.private"):
            continue
        if "[" in path:
            troubles.append(
                f"{field}: {path!r} holds '[', which no pattern here knows; use *, ? or **, or"
                " name each file"
            )
        else:
            troubles.append(
                f"{field}: {path!r} is not in commit {ticket.commit}, so nothing would be hidden;"
                " is it committed?"
            )
    return troubles


def _seen_by_links(
    ticket: Ticket, files: Sequence[str], links: Mapping[str, str | None]
) -> list[str]:
    """Private links to files that a trial would see under their own names."""
    return [
        f"{link!r} is private, but a link to {end!r}, which every trial would see; name that in"
        " evaluator.private, too"
        for link, end in seen_through(links, files, hidden(ticket))
    ]


def _needs_outputs(ticket: Ticket, files: Sequence[str]) -> list[str]:
    """Files that runs need in their outputs folder, where the commit's are left out."""
    if not ticket.measured:
        return []
    if ticket.outputs == ".":
        return ["outputs: '.' is the whole repository; name the folder in it that a run writes"]
    words = re.split(r"[\s'\"=;&|<>()]+", f"{ticket.run.command} {ticket.run.smoke or ''}")
    named = {str(PurePosixPath(word)) for word in words} & set(files)
    named |= {item.path for item in ticket.data if not item.external and not item.private}
    if ticket.settings.file is not None:
        named.add(ticket.settings.file)
    return [
        f"outputs: {ticket.outputs!r} begins empty in every run, and the ticket names {path!r} in"
        " it; name another folder"
        for path in sorted(named)
        if matches(path, (ticket.outputs,))
    ]


def _left_out(ticket: Ticket, files: Sequence[str]) -> list[str]:
    """What the commit holds of the outputs folder."""
    held = [path for path in files if matches(path, (ticket.outputs,))]
    if not held or not ticket.measured:
        return []
    return [
        f"The commit has files in {ticket.outputs} ({_some(held)}): no run sees them, so that only"
        " what it leaves itself is scored."
    ]


def _not_copied(lacking: Lacking) -> list[str]:
    """What runs may count on that no copy of the commit has."""
    told = (
        (lacking.submodules, "Submodules are not copied, so that runs find nothing in"),
        (
            lacking.links,
            "Links that lead to nothing in the commit, so that runs find nothing there:",
        ),
        (lacking.pointers, "Git LFS holds the content, so that runs find pointers alone in"),
    )
    return [
        f"{said} {_some(paths)}. Name what runs need of that in `data`, by an absolute path."
        for paths, said in told
        if paths
    ]


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (" and more" if len(paths) > 3 else "")


def _reads_and_reaches(ticket: Ticket) -> list[str]:
    """A ticket whose runs reach the network must not be steered by texts from outside."""
    if not ticket.hosts:
        return []
    asked = [
        words
        for words, there in (
            ("literature.library", ticket.literature.library is not None),
            ("literature.online (true unless you say false)", ticket.literature.online),
        )
        if there
    ]
    return [
        f"hosts: runs that reach {', '.join(ticket.hosts)} may not be steered by papers, and"
        f" {field} reads some; drop one of the two, or make two tickets"
        for field in asked
    ]


def _external_troubles(ticket: Ticket) -> list[str]:
    troubles = []
    for i, item in enumerate(ticket.data):
        if item.external:
            path = Path(item.path)
            try:
                if not path.exists():
                    troubles.append(f"data[{i}].path: {item.path!r} is not on this machine")
                elif why := refusal(path):
                    troubles.append(
                        f"data[{i}].path: a run may not be shown {item.path!r}: {why}; give a copy"
                    )
                elif not (path.is_file() or path.is_dir()):
                    troubles.append(f"data[{i}].path: {item.path!r} is no file or folder")
            except OSError as error:
                troubles.append(f"data[{i}].path: {item.path!r}: {error.strerror}")
    return troubles


def _overlaps(ticket: Ticket, name: str, commit: str, repositories: Repositories) -> list[str]:
    """Files of different splits with the same content; what is too large is left to the profile."""
    troubles = []
    seen: dict[str, tuple[int, DataInput]] = {}
    for i, item in enumerate(ticket.data):
        if item.split == "other":
            continue
        digest = _digest(item, name, commit, repositories)
        if digest is None:
            continue
        first = seen.setdefault(digest, (i, item))
        if first[1].split != item.split:
            troubles.append(
                f"data[{i}]: splits overlap: {item.path!r} ({item.split}) has the same content as"
                f" {first[1].path!r} ({first[1].split})"
            )
    return troubles


def _digest(item: DataInput, name: str, commit: str, repositories: Repositories) -> str | None:
    if not item.external:
        try:
            raw = repositories.read(name, commit, item.path, _HASHED_MB)
        except (BoundaryError, LookupError):
            return None
        return hashlib.sha256(raw).hexdigest()
    path = Path(item.path)
    try:
        if not path.is_file() or path.stat().st_size > _HASHED_MB << 20:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TicketError(f"{item.path!r} can't be read: {error.strerror}.") from None


def _kept(checkout: Checkout, ticket: Ticket) -> list[str]:
    """The checkout's warnings that the ticket has not answered already."""
    return [
        warning
        for warning in checkout.warnings
        if not (ticket.snapshot and "snapshot" in warning)
        and not (ticket.branch is not None and "detached" in warning)
    ]


def _warnings(ticket: Ticket) -> list[str]:
    warnings = []
    if ticket.evaluator is None and ticket.measured:
        warnings.append(
            "There is no evaluator: all numbers are what runs report of themselves, labelled so."
        )
    if ticket.evaluator is not None and ticket.data_for("holdout") is None:
        warnings.append(
            "No data has split: holdout, so the holdout is not measured: the merge request's"
            " numbers are the validation data's, on which the settings were chosen."
        )
    elif (
        ticket.evaluator is not None
        and not ticket.evaluator.private
        and not any(item.private for item in ticket.data)
    ):
        warnings.append(
            "Nothing is private: a trial could read the holdout's answers; name them in"
            " evaluator.private."
        )
    return warnings
