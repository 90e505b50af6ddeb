"""Settings: from the home's labcrew.toml and LABCREW_… variables; the variables win."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    JsonValue,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from labcrew.domain.background import NotifySettings, QuietHours
from labcrew.domain.forge import ForgeSettings
from labcrew.domain.hosts import PrivateHost
from labcrew.domain.mcp import McpServer, ServerName
from labcrew.domain.research import AgentName
from labcrew.domain.spending import Limits, Price
from labcrew.errors import SettingsError

LONGEST_RETENTION_DAYS = 36_500.0
_GGUF_TIMEOUT_S = 900.0


class ModelSettings(BaseModel):
    """One OpenAI-compatible endpoint."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        default="", description="the name the endpoint knows it by; azure: the deployment's"
    )
    provider: Literal["openai", "azure"] = Field(
        default="openai",
        description="openai: its protocol, whoever serves it; azure: Azure's addresses and keys",
    )
    base_url: str | None = Field(
        default=None, description="default: OpenAI's own; azure: the resource's address"
    )
    gguf: Path | None = Field(
        default=None, description="a model's file, served in this process, in place of base_url"
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="default without base_url: OPENAI_API_KEY, azure: AZURE_OPENAI_API_KEY;"
        " a local server takes any",
    )
    api_version: str = Field(default="2024-10-21", description="azure: of its protocol")
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int = Field(default=1024, ge=1, description="longest answer")
    max_tokens_name: Literal["max_completion_tokens", "max_tokens"] = Field(
        default="max_completion_tokens", description="what the endpoint calls that limit"
    )
    context_tokens: int | None = Field(
        default=None, ge=256, description="longest conversation with its answer"
    )
    parallel: int = Field(
        default=1, ge=1, le=64, description="answers to candidates at once; gguf: written at once"
    )
    structured: Literal["json_schema", "json_object", "text"] = Field(
        default="json_schema", description="how an answer of a given form is asked for"
    )
    tools: Literal["auto", "native", "schema"] = Field(
        default="auto",
        description="native: the endpoint's own tool calls; schema: one action as a structured"
        " answer; auto: native until the endpoint refuses them",
    )
    writes_code: Literal["auto", "tools", "edits"] = Field(
        default="auto",
        description="tools: by calling tools; edits: one edit an answer, for small models; auto:"
        " edits for a gguf, else tools",
    )
    stream: bool = Field(default=True, description="whether answers are read as they are written")
    stream_usage: bool = Field(
        default=True, description="whether a streamed answer is to end with its token counts"
    )
    options: dict[str, JsonValue] = Field(
        default_factory=dict, description="more of a request's body, as the endpoint documents it"
    )
    timeout_s: float = Field(
        default=120,
        gt=0,
        description="one answer, all its retries included; default of a gguf: 900",
    )
    connect_s: float = Field(default=10, gt=0, description="longest wait for a connection")
    first_token_s: float | None = Field(
        default=None, gt=0, description="longest wait for a stream's begin; default: timeout_s"
    )
    between_tokens_s: float = Field(default=30, gt=0, description="longest pause in a stream")
    retries: int = Field(
        default=2, ge=0, le=10, description="calls more, of an overloaded or failing endpoint"
    )
    retry_wait_s: float = Field(
        default=20, gt=0, description="longest wait before one; whoever asks for more is left"
    )
    attempts: int = Field(
        default=2, ge=1, le=10, description="answers that are looked at before the rule answers"
    )

    @model_validator(mode="before")
    @classmethod
    def _takes_its_time(cls, given: Any) -> Any:
        """Without an accelerator a long program alone takes minutes to be read."""
        if isinstance(given, dict) and given.get("gguf") is not None:
            return {"timeout_s": _GGUF_TIMEOUT_S} | given
        return given

    @model_validator(mode="after")
    def _names_a_model(self) -> Self:
        if not self.model and self.gguf is None:
            raise ValueError("model is missing: the name that the endpoint knows it by, or gguf")
        if self.gguf is not None and (self.base_url is not None or self.provider == "azure"):
            raise ValueError("gguf is served here: base_url and provider do not go with it")
        if self.provider == "azure" and self.base_url is None:
            raise ValueError("provider azure needs base_url, the resource's address")
        return self

    @property
    def name(self) -> str:
        """What answers are signed with."""
        return self.model or (self.gguf.stem if self.gguf is not None else "")


class SandboxSettings(BaseModel):
    """How containers are run."""

    model_config = ConfigDict(extra="forbid")

    runtime: str = Field(
        default="", description="the engine's runtime, e.g. runsc for gVisor; empty: its default"
    )
    volumes: Literal["capped", "plain"] = Field(
        default="capped",
        description="plain: workspaces without a cap, where the engine has no loop devices",
    )
    warm: int = Field(
        default=1, ge=0, le=16, description="tool containers that `labcrew up` keeps ready"
    )
    private_hosts: tuple[PrivateHost, ...] = Field(
        default=(),
        description="hosts of tickets and package indexes that may have a private address, as"
        " models.example.org or models.example.org=10.0.0.5; weakens what keeps runs out of the"
        " lab's own network",
    )
    name_servers: tuple[IPvAnyAddress, ...] = Field(
        default=(), description="addresses that proxies ask for names; none: the engine's"
    )


class MonitorSettings(BaseModel):
    """How the log monitor acts on what it sees."""

    model_config = ConfigDict(extra="forbid")

    acts: Literal["learning", "rules", "alert"] = Field(
        default="learning",
        description="learning: by what helped before; rules: by a fixed order; alert: it only"
        " writes incidents down, and lets runs go on",
    )


class BoardSettings(BaseModel):
    """What `labcrew board` serves."""

    model_config = ConfigDict(extra="forbid")

    hosts: tuple[str, ...] = Field(
        default=(),
        description="names, as name or name:port, that a proxy of yours serves the board by",
    )
    session_hours: float = Field(
        default=168, gt=0, le=8760, description="how long a browser stays signed in"
    )


class TracingSettings(BaseModel):
    """Where spans are sent; needs labcrew[tracing]."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str | None = Field(
        default=None,
        description="an OTLP/HTTP collector; default: OTEL_EXPORTER_OTLP_ENDPOINT, else no tracing",
    )
    service: str = Field(default="labcrew", description="OTEL_SERVICE_NAME wins over it")


def _limits(given: Any) -> Any:
    """A number alone is tokens; text is what a variable holds."""
    if isinstance(given, Limits | dict):
        return given
    if isinstance(given, int | str) and str(given).removeprefix("-").isdecimal():
        return {"tokens": given}
    raise ValueError("tokens, or a table such as {tokens = 1000000, usd = 2.5, seconds = 600}")


class Settings(BaseSettings):
    """Everything a lab can set. LABCREW_MODELS__DEFAULT__MODEL=… sets models.default.model."""

    model_config = SettingsConfigDict(
        env_prefix="LABCREW_", env_nested_delimiter="__", extra="forbid"
    )

    ledger_url: str | None = Field(default=None, description="any SQLAlchemy URL; default: SQLite")
    tracking_uri: str | None = Field(
        default=None, description="MLflow; default: MLFLOW_TRACKING_URI, else the home's own store"
    )
    models: dict[str, ModelSettings] = Field(
        default_factory=dict, description="name → endpoint; empty: rules only"
    )
    answering: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="question, agent or 'default' → names in models, first asked first;"
        " 'rule' may end a list",
    )
    prices: dict[str, Price] = Field(
        default_factory=dict,
        description="model → USD for a million tokens; without a price tokens alone bound it",
    )
    spending: dict[AgentName, Annotated[Limits, BeforeValidator(_limits)]] = Field(
        default_factory=dict,
        description="agent → tokens, usd and seconds of chat models for one ticket, within its"
        " budget; a number alone is tokens",
    )
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    sandbox: SandboxSettings = Field(default_factory=SandboxSettings)
    monitor: MonitorSettings = Field(default_factory=MonitorSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    quiet_hours: QuietHours = Field(default_factory=QuietHours)
    forge: ForgeSettings = Field(default_factory=ForgeSettings)
    board: BoardSettings = Field(default_factory=BoardSettings)
    mcp: dict[ServerName, McpServer] = Field(
        default_factory=dict,
        description="name → server of outside tools that agents may use; see docs/mcp.md",
    )
    skills_folder: Path | None = Field(
        default=None,
        description="a folder of skills beside the home's own; never one inside a repository",
    )
    lease_s: float = Field(default=60, gt=1, description="how long a dead worker blocks a ticket")
    tick_s: float = Field(default=5, gt=0, description="longest wait in one monitoring step")
    output_cap_mb: int = Field(default=256, ge=1, description="most that one trial may leave")
    retention_days: float = Field(
        default=30,
        ge=0,
        le=LONGEST_RETENTION_DAYS,
        description="`clean` keeps younger artefacts",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @classmethod
    def load(cls, file: Path) -> "Settings":
        """Reads the file if it is there, and the environment. Raises SettingsError."""
        values: dict[str, Any] = {}
        if file.is_file():
            try:
                values = tomllib.loads(file.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise SettingsError(f"{file}: {error}", "Correct the file or remove it.") from None
        from pydantic_settings import SettingsError as UnreadVariable

        try:
            return cls(**values)
        except UnreadVariable as error:
            raise SettingsError(f"A LABCREW_… variable: {error}.", "It must be JSON.") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsError(
                f"{file}, setting {where}: {first['msg']}",
                f"Known settings: {', '.join(cls.model_fields)}.",
            ) from None
