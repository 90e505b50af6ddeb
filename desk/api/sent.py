"""What is sent as a file's text: where relative paths in it start, and what is wrong with it."""

from pathlib import Path

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.ticket_problem import TicketProblem
from labcrew.errors import InputError, TicketError
from labcrew.given_path import given_path

BESIDE = (
    "the folder, absolute, on the server's machine, that a relative repository path starts from"
)
SOURCE = "the file it came from; empty: who sent it"


class Checked(Model):
    """What is wrong with what was sent; it can be read when nothing is."""

    problems: tuple[TicketProblem, ...]
    warnings: tuple[str, ...] = Field(
        default=(), description="what a person should know; with `thorough` alone"
    )


def folder_of(beside: str | None, repository: str) -> Path:
    """Where a relative repository path starts. Raises InputError."""
    if beside is not None:
        if not Path(beside).is_absolute():
            raise InputError("beside is not an absolute path.")
        return given_path(beside)
    if not given_path(repository).is_absolute():
        raise InputError(
            f"repository: {repository!r} is relative, and nothing says to what.",
            "Name it from the root, /…, or send `beside`: the folder it starts from.",
        )
    return Path("/")


def problems_of(error: InputError) -> tuple[TicketProblem, ...]:
    """What an error says, each with its line and field where they are known."""
    if isinstance(error, TicketError):
        return error.problems or tuple(_located(line) for line in error.message.split("\n"))
    return (_located(error.message),)


def _located(line: str) -> TicketProblem:
    """A line of an examination: `field: what is wrong`, or a sentence."""
    field, colon, message = line.partition(": ")
    if not colon or " " in field:
        return TicketProblem(message=line)
    return TicketProblem(field=field, message=message)
