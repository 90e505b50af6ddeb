"""The folders that skills are read from: the home's, and one that settings name."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from labcrew.domain.skills import Skill
from labcrew.errors import SkillError
from labcrew.skills.parsing import MOST_FRONT_MATTER, MOST_TEXT, parsed

MOST_FILES = 200
_MOST_BYTES = 4 * (MOST_FRONT_MATTER + MOST_TEXT)


def read_skills(folders: Iterable[Path]) -> tuple[Skill, ...]:
    """Every skill of some folders, by name; a folder that is not there holds none.

    Args:
        folders: their `*.md` files are read, not those of folders beneath; a README.md is none.

    Raises:
        SkillError: a file that can't be read or is wrong; two of one name; a link.
    """
    skills: dict[str, Skill] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        names = sorted(path.name for path in folder.iterdir() if _is_skill(path.name))
        if len(names) > MOST_FILES:
            raise SkillError(f"{folder} holds more than {MOST_FILES} skills.")
        for name in names:
            skill = parsed(_text_of(folder / name), name)
            if skill.name in skills:
                raise SkillError(
                    f"{folder / name}, field name: {skill.name} is also the name of"
                    f" {skills[skill.name].file}.", "Name each skill once.",
                )  # fmt: skip
            skills[skill.name] = skill
    return tuple(skills[name] for name in sorted(skills))


def refuse_inside(folder: Path, repositories: Iterable[Path]) -> None:
    """Skills are trusted as settings are, so they may not lie where a crew's work changes them.

    Raises SkillError: the folder lies inside a user's repository.
    """
    for repository in repositories:
        if folder.resolve().is_relative_to(repository.resolve()):
            raise SkillError(
                f"{folder} lies inside the repository {repository}: skills of a repository are not"
                " read, for they are as untrusted as its code.",
                "Keep them in the home's skills folder, or in one outside every repository.",
            )


def _is_skill(name: str) -> bool:
    return name.endswith(".md") and name != "README.md" and not name.startswith(".")


def _text_of(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SkillError(f"{path} can't be read: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SkillError(f"{path} is no regular file.")
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise SkillError(f"{path} is larger than {_MOST_BYTES} bytes.", "Make two skills of it.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SkillError(f"{path}:{line}: not UTF-8 text.", "Save it as UTF-8.") from None
