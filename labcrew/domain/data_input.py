"""A data file that a ticket's work rests on."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from labcrew.domain.base import Model
from labcrew.domain.repository_path import relative


def _plain(path: str) -> str:
    """The path, written plainly where it lies inside the repository."""
    if not path.startswith("/"):
        return relative(path)
    if "\0" in path or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} must not contain '..'")
    return path


class DataInput(Model):
    """One data file the work rests on; never changed."""

    path: Annotated[str, AfterValidator(_plain)] = Field(
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
