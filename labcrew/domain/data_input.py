"""A data file that a ticket's work rests on."""

from pathlib import PurePosixPath
from typing import Literal, Self

from pydantic import Field, model_validator

from labcrew.domain.base import Model
from labcrew.domain.repository_path import relative


class DataInput(Model):
    """One data file the work rests on; never changed."""

    path: str = Field(
        min_length=1,
        description="inside the repository, or absolute on this machine: then a run finds it,"
        " read-only, where the variable LABCREW_DATA_0 (1, 2 … by its place in this list) says",
    )
    split: Literal["train", "validation", "holdout", "other"] = "other"
    label: str | None = Field(default=None, description="the column to predict")
    features: tuple[str, ...] | None = Field(
        default=None, description="columns that describe a row; default: all but label and id"
    )
    id: str | None = Field(default=None, description="a column that names the row")
    private: bool = Field(default=False, description="only the evaluator sees it")

    @property
    def external(self) -> bool:
        return self.path.startswith("/")

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.external:
            relative(self.path)
        elif "\0" in self.path or ".." in PurePosixPath(self.path).parts:
            raise ValueError(f"{self.path!r} must not contain '..'")
        return self
