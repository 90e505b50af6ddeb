"""Settings: from the home's labcrew.toml and LABCREW_… variables; the variables win."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from labcrew.domain.hosts import PrivateHost
from labcrew.domain.research import AgentName
from labcrew.domain.spending import Price
from labcrew.errors import SettingsError


class ModelSettings(BaseModel):
    """One OpenAI-compatible endpoint."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="the name the endpoint knows it by")
    base_url: str | None = Field(default=None, description="default: the client library's own")
    api_key: SecretStr | None = Field(
        default=None, description="default: OPENAI_API_KEY; a local server takes any"
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int = Field(default=1024, ge=1)
    timeout_s: float = Field(default=60, gt=0)
    attempts: int = Field(default=2, ge=1, le=10, description="tries before the rule answers")


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


class TracingSettings(BaseModel):
    """Where spans are sent; needs labcrew[tracing]."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str | None = Field(
        default=None,
        description="an OTLP/HTTP collector; default: OTEL_EXPORTER_OTLP_ENDPOINT, else no tracing",
    )
    service: str = Field(default="labcrew", description="OTEL_SERVICE_NAME wins over it")


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
        default_factory=dict, description="agent name or 'default' → endpoint; empty: rules only"
    )
    prices: dict[str, Price] = Field(
        default_factory=dict,
        description="model → USD for a million tokens; without a price tokens alone bound it",
    )
    spending: dict[AgentName, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict,
        description="agent → tokens of chat models for one ticket, within its budget",
    )
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    sandbox: SandboxSettings = Field(default_factory=SandboxSettings)
    monitor: MonitorSettings = Field(default_factory=MonitorSettings)
    lease_s: float = Field(default=60, gt=1, description="how long a dead worker blocks a ticket")
    tick_s: float = Field(default=5, gt=0, description="longest wait in one monitoring step")
    output_cap_mb: int = Field(default=256, ge=1, description="most that one trial may leave")
    retention_days: float = Field(default=30, ge=0, description="`clean` keeps younger artefacts")

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
