from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="DEMAND_")

    lags: int = Field(6, ge=1, le=72)
    penalty: float = Field(100.0, gt=0)
    season: bool = False
    decay: float = Field(0.999, gt=0, le=1)
    seed: int = 0
