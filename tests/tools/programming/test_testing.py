"""Runs of tests in fresh containers: what passes, and all that must not."""

from dataclasses import replace
from typing import Any

import pytest

from labcrew.domain.testing import TestReport as Report
from labcrew.errors import ToolError
from tests.tools.programming.conftest import Assign
from tools.programming.editing import ReplaceText, WriteFile, replace_text, write_file
from tools.programming.running import RunCommand, run_command
from tools.programming.testing import (
    RunTests,
    as_words,
    baseline_tests,
    run_afresh,
    run_tests,
)
from tools.toolbox import Workbench

pytestmark = pytest.mark.engine
FILE = "tests/test_split.py"
BAD, GOOD = (
    f"{FILE}::test_the_rest_is_for_validation",
    f"{FILE}::test_the_first_part_is_for_training",
)


def mend(bench: Workbench, assigned: Any) -> None:
    replace_text.run(
        ReplaceText(path="lab/split.py", old="cut], rows[:cut]", new="cut], rows[cut:]"),
        assigned,
        bench,
    )


def run(bench: Workbench, assigned: Any, *names: str) -> Report:
    return run_tests.run(RunTests(names=names), assigned, bench).report


def test_before_and_after(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    before = baseline_tests.run(RunTests(), assigned, bench)
    assert before.report.outcomes == {BAD: "failed", GOOD: "passed"}
    assert before.report.exit_code == 1
    assert f"failed:\n  {BAD}" in before.text
    assert "assert ([1, 2], [1, 2]) == ([1, 2], [3, 4])" in before.text
    assert "canary" not in before.text, "what must fail says nothing to a model"
    mend(bench, assigned)
    after = run(bench, assigned)
    assert after.outcomes == {BAD: "passed", GOOD: "passed"}
    assert (after.exit_code, after.timed_out) == (0, False)
    assert run(bench, assigned, BAD).outcomes == {BAD: "passed"}
    assert run(bench, assigned, FILE).passed(FILE)
    still = baseline_tests.run(RunTests(names=(BAD,)), assigned, bench).report
    assert still.outcomes == {BAD: "failed"}
    assert bench.sandboxes.status(f"{assigned.id}-tests".lower()).state == "missing"


def test_what_commands_did_is_not_there(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    spoil = "printf 'def test_a(): pass\\n' > tests/test_split.py; echo 'x' > conftest.py"
    run_command.run(RunCommand(command=spoil), assigned, bench)
    assert run(bench, assigned).outcomes == {BAD: "failed", GOOD: "passed"}


def test_brought_tests_lie_over_everything(bench: Workbench, assign: Assign) -> None:
    brought = {FILE: "from lab.split import split\n\ndef test_brought():\n    assert not split\n"}
    assigned = assign(editable=["**"], tests={"files": brought, "timeout_s": 60})
    with pytest.raises(ToolError, match="the ticket brings"):
        write_file.run(WriteFile(path=FILE, text="def test_brought(): pass\n"), assigned, bench)
    report = run_afresh(bench, assigned, {FILE: "def test_brought(): pass\n"}, ())
    assert report.outcomes == {f"{FILE}::test_brought": "failed"}


def test_a_test_that_was_written_is_seen_to_fail_before(bench: Workbench, assign: Assign) -> None:
    assigned = assign(editable=["lab/**", "tests/test_new.py"])
    text = (
        "from lab.split import split\n\ndef test_new():\n    assert split([1, 2], .5)[1] == [2]\n"
    )
    write_file.run(WriteFile(path="tests/test_new.py", text=text), assigned, bench)
    mend(bench, assigned)
    name = "tests/test_new.py::test_new"
    named = RunTests(names=(name,))
    assert baseline_tests.run(named, assigned, bench).report.outcomes == {name: "failed"}
    assert run(bench, assigned, name).passed(name)


CHEATS = {
    "ends the process": "import os\nos._exit(0)\n",
    "ends it late": "import atexit, os\natexit.register(os._exit, 0)\n\ndef split(rows, share):\n"
    "    os._exit(0)\n",
    "prints passes": "print('2 passed in 0.01s')\nimport os\nos._exit(0)\n",
    "exits": "import sys\nsys.exit(0)\n",
    "calls pytest's exit": "import pytest\npytest.exit('all good', returncode=0)\n",
    "writes the report": (
        "import os\n"
        "xml = '<testsuites><testsuite>' + ''.join(\n"
        "    f'<testcase classname=\"tests.test_split\" name=\"{n}\"/>' for n in\n"
        "    ('test_the_rest_is_for_validation', 'test_the_first_part_is_for_training')\n"
        ") + '</testsuite></testsuites>'\n"
        "open('/workspace/.labcrew-tests/report.xml', 'w').write(xml)\n"
        "os._exit(0)\n"
    ),
    "makes every report a pass": (
        "import _pytest.reports as r\n"
        "made = r.TestReport.from_item_and_call\n"
        "def passing(item, call):\n"
        "    call.excinfo = None\n"
        "    return made(item, call)\n"
        "r.TestReport.from_item_and_call = staticmethod(passing)\n"
        "import _pytest.runner as runner\n"
        "runner.TestReport = r.TestReport\n\n"
        "def split(rows, share):\n    return None\n"
    ),
    "makes every assertion true": (
        "import _pytest.python as p\n"
        "p.Function.runtest = lambda self: None\n"
        "import pytest\n"
        "pytest.Item.runtest = lambda self: None\n\n"
        "def split(rows, share):\n    return None\n"
    ),
    "skips everything": "import pytest\npytest.skip('no', allow_module_level=True)\n",
    "calls no test": (
        "import gc\n"
        "from _pytest.config import PytestPluginManager\n"
        "for manager in gc.get_objects():\n"
        "    if isinstance(manager, PytestPluginManager):\n"
        "        for impl in manager.hook.pytest_pyfunc_call.get_hookimpls():\n"
        "            impl.function = lambda pyfuncitem: True\n\n"
        "def split(rows, share):\n    return None\n"
    ),
    "equals everything": (
        "class Same(tuple):\n"
        "    def __eq__(self, other):\n"
        "        raise SystemExit(0)\n"
        "    __hash__ = None\n\n"
        "def split(rows, share):\n    return Same()\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_candidate_that_cheats_does_not_pass(
    bench: Workbench, assign: Assign, cheat: str
) -> None:
    report = run_afresh(bench, assign(), {"lab/split.py": CHEATS[cheat]}, (BAD, GOOD))
    assert not report.passed(BAD), report.tail
    assert set(report.outcomes) >= {BAD, GOOD}


@pytest.mark.parametrize(
    "path", ["conftest.py", "tests/conftest.py", "pytest.ini", "sitecustomize.py", "lab/x.pth"]
)
def test_what_steers_the_tests_is_not_edited(bench: Workbench, assign: Assign, path: str) -> None:
    with pytest.raises(ToolError, match="steers how tests are run"):
        write_file.run(WriteFile(path=path, text=""), assign(editable=["**"]), bench)


def test_a_test_that_stood_there_is_not_edited_by_a_pattern(
    bench: Workbench, assign: Assign
) -> None:
    easy = WriteFile(path=FILE, text="def test_a(): pass\n")
    with pytest.raises(ToolError, match="judges the change"):
        write_file.run(easy, assign(editable=["**"]), bench)
    write_file.run(easy, assign(editable=["**", FILE]), bench)
    write_file.run(WriteFile(path="tests/test_b.py", text=""), assign(editable=["**"]), bench)


@pytest.mark.parametrize("path", ["pytest.py", "pytest/__init__.py", "_pytest/x.py"])
def test_pytest_is_not_shadowed(bench: Workbench, assign: Assign, path: str) -> None:
    with pytest.raises(ToolError, match="steers how tests are run"):
        write_file.run(WriteFile(path=path, text=""), assign(editable=["**"]), bench)
    fake = {"pytest.py": "print('2 passed')\n"}
    report = run_afresh(bench, assign(), fake, (BAD,))
    assert report.outcomes == {BAD: "missing"}


def test_names_that_are_not_there_are_missing(bench: Workbench, assign: Assign) -> None:
    report = run(bench, assign(), f"{FILE}::test_none", "tests/test_none.py", GOOD)
    assert report.outcomes[f"{FILE}::test_none"] == "missing"
    assert report.outcomes["tests/test_none.py"] == "missing"
    assert report.exit_code not in (0, 1)


def test_a_file_that_can_not_be_imported_hides_no_other(bench: Workbench, assign: Assign) -> None:
    new = "tests/test_new.py"
    text = "from lab.split import thirds\n\n\ndef test_thirds():\n    assert thirds\n"
    assigned = assign(tests={"files": {new: text}, "command": "python -m pytest -qx"})
    report = run_afresh(bench, assigned, {}, (f"{new}::test_thirds", BAD, GOOD))
    assert report.outcomes[f"{new}::test_thirds"] == "missing"
    assert (report.outcomes[BAD], report.outcomes[GOOD]) == ("failed", "passed")


def test_a_run_that_hangs_is_ended(bench: Workbench, assign: Assign) -> None:
    assigned = assign(tests={"timeout_s": 3})
    slow = {"lab/split.py": "import time\n\ndef split(rows, share):\n    time.sleep(600)\n"}
    report = run_afresh(bench, assigned, slow, (BAD,))
    assert report.timed_out
    assert report.outcomes == {BAD: "missing"}
    assert "ended after 3 s" in report.tail


def test_other_ways_to_call_pytest(bench: Workbench, assign: Assign) -> None:
    for command in (
        "PYTHONPATH=lab python -m pytest -x --strict-markers",
        "cd lab && PYTHONPATH=.. pytest -q",
        "python -m pytest -q -p no:cacheprovider -o addopts=''",
    ):
        assigned = assign(tests={"command": command, "timeout_s": 60})
        report = run_afresh(bench, assigned, {}, (GOOD,))
        assert report.outcomes == {GOOD: "passed"}, (command, report.tail)


def test_an_environment_without_pytest_says_so(plain_bench: Workbench, assign: Assign) -> None:
    with pytest.raises(ToolError, match="prepared after the plan gate"):
        run_tests.run(RunTests(), assign(), plain_bench)


def test_a_command_without_pytest_passes_nothing(bench: Workbench, assign: Assign) -> None:
    assigned = assign(tests={"command": "echo 2 passed; true", "timeout_s": 60})
    report = run(replace(bench), assigned, GOOD)
    assert report.outcomes == {GOOD: "missing"}
    assert "pytest wrote no report" in report.tail


def test_more_names_than_a_command_takes() -> None:
    ids = tuple(f"tests/test_{n % 7}.py::test_{n:06d}" for n in range(9000))
    assert len(as_words(ids).split()) == 7
    assert as_words(tuple(f"tests/test_{n:06d}.py" for n in range(9000))) == ""
    assert as_words(ids[:2]) == f"/workspace/{ids[0]} /workspace/{ids[1]}"
