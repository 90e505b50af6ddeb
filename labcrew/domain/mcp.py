"""Tool servers from outside that speak the Model Context Protocol, and the port to them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, SecretStr, model_validator

from labcrew.domain.base import Model, content_hash
from labcrew.domain.hosts import Host
from labcrew.domain.research import AgentName

ServerName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class McpServer(Model):
    """A server as settings name it: a command for a sandbox, or a URL that this machine reaches."""

    command: tuple[str, ...] = Field(
        default=(), description="run in a sandbox container, speaking over its standard streams"
    )
    image: str = Field(default="", description="of that container; default: labcrew's own")
    folder: Path | None = Field(
        default=None, description="a folder of this machine, seen as /mcp there, read-only"
    )
    environment: dict[str, str] = Field(default_factory=dict, description="no place for secrets")
    hosts: tuple[Host, ...] = Field(
        default=(), description="the only hosts that the command may reach; none: no network"
    )
    url: str | None = Field(default=None, description="of a server over HTTP, e.g. http://…/mcp")
    token: SecretStr | None = Field(
        default=None, description="sent to that URL as a bearer's; set it by a variable"
    )
    agents: tuple[AgentName, ...] = Field(
        default=(), description="who may use it: agents that a model writes or judges for"
    )
    tools: tuple[str, ...] = Field(default=(), description="which of its tools; no others are")
    gate: Literal["plan", "none"] = Field(
        default="plan", description="plan: only once a person accepted the ticket's plan"
    )
    reads_untrusted: bool = Field(
        default=True,
        description="its answers are untrusted text; false only where all it says is the lab's own",
    )
    timeout_s: float = Field(default=60, gt=0, le=600, description="a call, its start included")
    answer_kb: int = Field(default=64, ge=1, le=1024, description="most of an answer that is kept")

    @model_validator(mode="after")
    def _one_way(self) -> "McpServer":
        if bool(self.command) == bool(self.url):
            raise ValueError("name either a command, which runs in a sandbox, or a url")
        if self.url is not None:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise ValueError("url must be http://… or https://…, without a name or password")
            if self.image or self.folder or self.environment or self.hosts:
                raise ValueError("image, folder, environment and hosts go with a command")
        elif self.token is not None:
            raise ValueError("token goes with a url")
        return self

    @property
    def networked(self) -> bool:
        """Whether what it is asked can leave this machine's sandboxes."""
        return self.url is not None or bool(self.hosts)

    @property
    def place(self) -> str:
        """A hash of what is reached: a tool that was approved at another place is not approved."""
        reached: dict[str, JsonValue] = {
            "command": list(self.command),
            "image": self.image,
            "folder": str(self.folder or ""),
            "hosts": list(self.hosts),
            "url": self.url or "",
        }
        if self.command:  # an empty one too: approvals from before it counted hold for none
            reached["environment"] = dict(self.environment)
        return content_hash(reached)


class McpTool(Model):
    """A tool as a server describes it: untrusted text until a person approved it."""

    name: str = Field(min_length=1, max_length=128)
    title: str = ""
    description: str = ""
    input_schema: dict[str, JsonValue]
    output_schema: dict[str, JsonValue] | None = None
    annotations: dict[str, JsonValue] | None = None

    @property
    def sha256(self) -> str:
        """Of everything that a server says of it."""
        return content_hash(self)


class McpAnswer(Model):
    """What a tool answered: untrusted text, cleaned and capped."""

    text: str
    is_error: bool = Field(default=False, description="the tool says that it failed")
    truncated: bool = False


class McpServers(Protocol):
    """The servers that settings name. Methods block; each opens a session of its own."""

    settings: Mapping[str, McpServer]

    def tools(self, server: str, owner: str) -> tuple[McpTool, ...]:
        """What a server offers now. Raises ToolError.

        Args:
            owner: the ticket that it is done for; empty: the home.
        """

    def call(
        self, server: str, tool: McpTool, arguments: Mapping[str, Any], owner: str
    ) -> McpAnswer:
        """Calls a tool, after the server said that it still is the one given.

        Raises:
            ToolChanged: it is another now; it was not called.
            ToolError: no answer, none of the protocol's form, or one too long to be read.
        """
