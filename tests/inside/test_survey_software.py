"""What software a repository asks for, from every kind of file that says so."""

from pathlib import Path

import pytest

from labcrew.domain.survey import Survey
from tests.inside.surveyed import survey_of


def needs(survey: Survey) -> list[tuple[str, str, str]]:
    return [(need.text, need.kind, need.group) for need in survey.requirements]


def python(survey: Survey) -> dict[str, str]:
    return {file.path: file.python for file in survey.environments}


def test_requirements_follow_what_they_include(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "requirements.txt": "numpy>=1.2  # arrays\n-r more/base.in\n--extra-index-url x\n\n",
            "more/base.in": "torch==2.0 \\\n  --hash=sha256:1\n",
            "requirements-dev.txt": "pytest\n",
        },
    )
    assert [need[0] for need in needs(survey)] == [
        "pytest", "numpy>=1.2", "torch==2.0", "-r more/base.in", "--extra-index-url x",
    ]  # fmt: skip
    assert [need.place.path for need in survey.requirements[1:3]] == [
        "requirements.txt",
        "more/base.in",
    ]


def test_project_files(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "pyproject.toml": (
                '[project]\nname="a"\nrequires-python=">=3.9"\ndependencies=["numpy>1"]\n'
                '[project.optional-dependencies]\ndev=["pytest"]\n'
                '[dependency-groups]\nlint=["ruff"]\n'
            ),
            "b/pyproject.toml": (
                '[tool.poetry.dependencies]\npython="^3.8"\ntorch="~1.13"\nx={version="2.1",'
                'optional=true}\n[tool.poetry.group.dev.dependencies]\nblack="*"\n'
            ),
            "c/setup.cfg": "[metadata]\nname=c\n[options]\n"
            "install_requires =\n  pandas\n  scipy<2\n",
            "d/setup.py": "N = ['a']\nimport setuptools\n"
            "setuptools.setup(install_requires=N + ['b'],"
            " python_requires='>=3.7', extras_require={'t': ['c']})\n",
            "e/pyproject.toml": "[tool.black]\nline-length = 3\n",
        },
    )
    assert needs(survey) == [
        ("numpy>1", "pyproject", ""),
        ("pytest", "pyproject", "dev"),
        ("ruff", "pyproject", "lint"),
        ("torch>=1.13,<1.14", "pyproject", ""),
        ("x==2.1", "pyproject", "optional"),
        ("black", "pyproject", "dev"),
        ("pandas", "setup", ""),
        ("scipy<2", "setup", ""),
        ("a", "setup", ""),
        ("b", "setup", ""),
        ("c", "setup", "t"),
    ]
    assert python(survey) == {
        "pyproject.toml": ">=3.9",
        "b/pyproject.toml": ">=3.8,<4",
        "c/setup.cfg": "",
        "d/setup.py": ">=3.7",
    }
    assert survey.projects == ("", "b", "c", "d")


def test_conda_docker_locks_and_system_packages(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "environment.yml": (
                "name: x\ndependencies:\n  - python=3.10\n  - conda-forge::numpy=1.2\n"
                "  - pip:\n    - torch==2\n"
            ),
            "Dockerfile": (
                "FROM python:3.9-slim\nRUN apt-get update && apt-get install -y \\\n    libgl1 \\\n"
                "    && rm -rf /x\nRUN pip install -r requirements.txt scipy\n"
            ),
            "apt.txt": "graphviz\n",
            "uv.lock": 'requires-python=">=3.11"\n[[package]]\nname="a"\nversion="1"\n'
            '[[package]]\nname="self"\nversion="0"\nsource={editable="."}\n',
            ".python-version": "3.11.4\n",
            "Pipfile": '[packages]\nrich="*"\n[requires]\npython_version="3.8"\n',
        },
    )
    assert set(needs(survey)) == {
        ("numpy=1.2", "conda", ""),
        ("torch==2", "requirements", ""),
        ("FROM python:3.9-slim", "dockerfile", ""),
        ("libgl1", "system", ""),
        ("-r requirements.txt", "dockerfile", ""),
        ("scipy", "dockerfile", ""),
        ("graphviz", "system", ""),
        ("a==1", "lock", ""),
        ("rich", "pipfile", ""),
    }
    assert python(survey) == {
        "environment.yml": "==3.10.*",
        "Dockerfile": "==3.9.*",
        "apt.txt": "",
        "uv.lock": ">=3.11",
        ".python-version": "==3.11.*",
        "Pipfile": "==3.8.*",
    }


@pytest.mark.parametrize("layout", ["", "src/"])
def test_imports_from_elsewhere_are_those_that_are_needed(tmp_path: Path, layout: str) -> None:
    survey = survey_of(
        tmp_path,
        {
            "train.py": (
                "import os, torch\nfrom own.deep import x\nimport helper\n"
                "try:\n    import apex\nexcept ImportError:\n    apex = None\n"
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import jax\nprint(x())\n"
            ),
            f"{layout}own/__init__.py": "",
            f"{layout}own/deep.py": "from . import deeper\ndef x(): import yaml\n",
            f"{layout}own/deeper.py": "import sklearn.svm\n",
            "helper.py": "",
        },
    )
    [found] = survey.entries
    assert set(found.imports) == {"torch", "yaml", "sklearn"}
    assert survey.imports["sklearn"].path == f"{layout}own/deeper.py"
    assert survey.packages == {"own": f"{layout}own"}


def test_data_files_and_their_headers(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "data/a.csv": "x,y\n1,2\n",
            "data/b.csv": "1,2\n3,4\n",
            "data/c.tsv": "p\tq\n",
            "requirements.txt": "",
            **{f"images/{n}.png": "" for n in range(12)},
        },
    )
    assert {file.path: file.columns for file in survey.data} == {
        "data/a.csv": ("x", "y"),
        "data/b.csv": (),
        "data/c.tsv": ("p", "q"),
        "images": (),
    }
