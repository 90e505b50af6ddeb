"""What is done without being asked each time: schedules, quiet hours, notifications."""

from datetime import UTC, datetime, time
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from labcrew.domain.base import Model

Told = Literal["gate", "incident", "merge_request", "schedule", "evolution", "ticket"]


class Schedule(Model):
    """A ticket that is assigned again and again.

    Args:
        text: the ticket's file as it was when the schedule was made.
        beside: the folder that a relative repository path starts from.
        last_due: due times are looked for from then on: the newest that was dealt with, or when
            the clock was seen to have been set back.
        last_ticket: what was assigned then.
    """

    id: str
    title: str
    text: str
    beside: str
    cron: str
    timezone: str = "UTC"
    by: str
    added_at: datetime
    last_due: datetime | None = None
    last_ticket: str = ""
    status: Literal["active", "removed"] = "active"


def known_zone(name: str) -> str:
    """The name of a time zone. Raises ValueError for one that this machine does not know."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is no time zone; one looks like Europe/Berlin") from None
    return name


class QuietHours(BaseModel):
    """When nothing new is begun and nobody is notified."""

    model_config = ConfigDict(extra="forbid")

    start: time | None = Field(default=None, description="wall-clock time, e.g. 22:00")
    end: time | None = Field(default=None, description="may lie on the next day, e.g. 07:00")
    timezone: str = Field(default="UTC", description="whose wall clock")

    _zone = field_validator("timezone")(known_zone)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end go together")
        return self

    def holds(self, now: datetime) -> bool:
        """Whether it is quiet now; `start` itself is, `end` is not."""
        if self.start is None or self.end is None:
            return False
        here = now.astimezone(ZoneInfo(self.timezone)).time()
        if self.start <= self.end:
            return self.start <= here < self.end
        return here >= self.start or here < self.end


class NotifySettings(BaseModel):
    """Who is told when a person is needed; nothing is sent without a webhook or a mail_host."""

    model_config = ConfigDict(extra="forbid")

    kinds: tuple[Told, ...] = Field(
        default=("gate", "incident", "merge_request", "schedule", "evolution", "ticket"),
        description="what is told; of a ticket, that it failed",
    )
    webhook: SecretStr | None = Field(
        default=None, description="an address that gets a signed POST; many hold a secret"
    )
    secret_variable: str = Field(
        default="LABCREW_WEBHOOK_SECRET",
        description="the environment variable with the key that signs; see docs/background.md",
    )
    mail_host: str = Field(default="", description="a mail server")
    mail_port: int = Field(default=587, ge=1, le=65535)
    mail_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none: for a server on this machine"
    )
    mail_from: str = Field(default="labcrew@localhost", max_length=200)
    mail_to: tuple[str, ...] = Field(default=(), description="who gets it")
    mail_user: str = Field(default="", description="empty: no login")
    mail_password_variable: str = Field(
        default="LABCREW_MAIL_PASSWORD", description="the environment variable that holds it"
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="hosts that may have a link-local or metadata address"
    )
    timeout_s: float = Field(default=10, gt=0)
    attempts: int = Field(default=5, ge=1, le=20, description="tries of one that was refused")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.mail_host and not self.mail_to:
            raise ValueError("mail_to is missing: who gets the mail")
        if any("\n" in each or "\r" in each for each in (self.mail_from, *self.mail_to)):
            raise ValueError("an address of one line")
        hook = self.webhook.get_secret_value() if self.webhook is not None else ""
        if hook and not hook.startswith(("https://", "http://")):
            raise ValueError("webhook must begin with https:// or http://")
        if hook and not _has_host(hook):
            raise ValueError("webhook is no address of a host and, perhaps, a port")
        return self


def _has_host(address: str) -> bool:
    """Whether an address can be asked at all; what is wrong with it may hold a secret."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        return False
    return bool(host) and address.isprintable() and " " not in address


def utc(at: datetime) -> str:
    """A time as keys hold it: ISO 8601 in UTC, seconds."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
