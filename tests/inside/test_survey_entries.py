"""What can be run: which files of a repository are programs, and how each is started."""

from pathlib import Path

from tests.inside.surveyed import entry, shown, survey_of

GUARDED = 'def main():\n    print(1)\nif __name__ == "__main__":\n    main()\n'


def test_programs_are_found_and_libraries_are_not(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "train.py": GUARDED,
            "examples/plot_it.py": "from sklearn.svm import SVC\nc = SVC()\nc.fit([[1]], [1])\n",
            "loop.py": "w = 0\nfor i in range(9):\n    w += i\n    if i > 7:\n        print(w)\n",
            "names.py": "for n in ('a', 'b'):\n    globals()[n] = n\n",
            "library.py": "import logging\nlogging.basicConfig()\ndef f(): pass\n",
            "pkg/__init__.py": "",
            "pkg/__main__.py": "from . import work\nwork.go()\n",
            "pkg/work.py": "def go(): print('loss', 1)\n",
            "pkg/relative.py": f"from . import work\n{GUARDED}",
            "tests/test_it.py": GUARDED,
            "setup.py": "from setuptools import setup\nsetup()\n",
            "conftest.py": GUARDED,
            "docs/conf.py": "print(1)\n",
        },
    )
    assert {e.path: e.command for e in survey.entries} == {
        "train.py": "python train.py",
        "examples/plot_it.py": "python examples/plot_it.py",
        "loop.py": "python loop.py",
        "pkg/__main__.py": "python -m pkg",
        "pkg/relative.py": "python -m pkg.relative",
    }
    assert entry(survey, "pkg/__main__.py").rests_on == ("pkg/__init__.py", "pkg/work.py")
    assert survey.packages == {"pkg": "pkg"}


def test_a_module_that_another_program_imports_is_no_program(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path, {"train.py": "import setup_things\nprint('a')\n", "setup_things.py": "print(2)\n"}
    )
    assert [e.path for e in survey.entries] == ["train.py"]


def test_shell_make_notebooks_and_other_tongues(tmp_path: Path) -> None:
    notebook = (
        '{"cells": [{"cell_type": "code", "metadata": {"tags": ["parameters"]},'
        ' "source": ["lr = 0.1\\n", "%matplotlib inline\\n"]},'
        ' {"cell_type": "code", "metadata": {}, "source": "print(\'loss\', lr)"}]}'
    )
    survey = survey_of(
        tmp_path,
        {
            "run.sh": "#!/bin/bash\nwget http://a.example/x.zip\npython train.py --lr $LR\n",
            "train.py": GUARDED,
            "Makefile": "train: data\n\tpython train.py --lr 3\nclean:\n\trm -r x\n%.o: %.c\n",
            "a note.ipynb": notebook,
            "fit.R": "print(1)\n",
            "solve.jl": "println(1)\n",
        },
    )
    assert {e.command for e in survey.entries} == {
        "python train.py",
        "bash run.sh",
        "make train",
        "papermill 'a note.ipynb' 'a note.out.ipynb'",
        "Rscript fit.R",
        "julia solve.jl",
    }
    assert {s.command for s in entry(survey, "train.py").stated} == {
        "python train.py --lr $LR",
        "python train.py --lr 3",
    }
    assert shown(entry(survey, "run.sh"), "downloads") == ["wget http://a.example/x.zip"]
    assert shown(entry(survey, "a note.ipynb"), "prints") == ["loss {lr}"]


def test_console_scripts_lead_to_their_code(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname="x"\nscripts={"fit-it" = "thing.cli:main"}\n',
            "src/thing/__init__.py": "",
            "src/thing/cli.py": "def main(): pass\n",
            "README.md": "Run\n\n    fit-it --lr 1\n",
        },
    )
    [found] = survey.entries
    assert (found.path, found.kind, found.command) == (
        "src/thing/cli.py",
        "console_script",
        "fit-it",
    )
    assert [s.command for s in found.stated] == ["fit-it --lr 1"]
    assert survey.packages == {"thing": "src/thing"}


def test_a_program_starts_in_its_folder_only_where_that_is_shown(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "a/train.py": GUARDED,
            "b/train.py": "open('data.txt')\nprint(1)\n",
            "b/data.txt": "1",
            "c/train.py": GUARDED,
            "README.md": "```bash\n$ cd a\n$ python train.py \\\n   --lr 1\n```\n",
        },
    )
    assert {e.path: e.command for e in survey.entries} == {
        "a/train.py": "cd a && python train.py",
        "b/train.py": "cd b && python train.py",
        "c/train.py": "python c/train.py",
    }
    [told] = entry(survey, "a/train.py").stated
    assert told.command == "cd a && python train.py --lr 1"
    assert (told.place.path, told.place.line) == ("README.md", 3)


def test_what_a_readme_says_beside_commands_is_no_command(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "train.py": GUARDED,
            "README.md": (
                "# Title\n\n```python\nimport x\nmake = 3\n```\n```\npip install -r r.txt\n"
                "make sure that it is there\nepoch 1 loss 2\n```\nOr `python train.py --lr 1`.\n"
            ),
        },
    )
    assert survey.title == "Title"
    assert [s.command for s in entry(survey, "train.py").stated] == ["python train.py --lr 1"]
    assert "pip install -r r.txt" in [s.command for s in survey.stated]
    assert not [s for s in survey.stated if "loss" in s.command or "=" in s.command]


def test_odd_paths_are_one_word_and_no_option(tmp_path: Path) -> None:
    files = {"-c.py": GUARDED, "-d/-e.py": GUARDED, "a b.py": GUARDED, "__init__.py": ""}
    survey = survey_of(tmp_path, files | {"bare.py": "print('loss', 1)\n"})
    assert {e.path: e.command for e in survey.entries} == {
        "-c.py": "python ./-c.py",
        "-d/-e.py": "python ./-d/-e.py",
        "a b.py": "python 'a b.py'",
        "bare.py": "python bare.py",
    }
