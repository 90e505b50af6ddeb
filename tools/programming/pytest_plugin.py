"""What pytest is given in a sandbox: exact test ids in its report, and a test that must fail.

A program under test can do what it likes to the pytest that runs it: end it, rewrite its report, or
make every test pass. The last test is one that fails with words that change with the code; a report
that does not say so was not written by a pytest in its right mind.
"""

import re

FOLDER = ".labcrew-tests"
"""In the workspace: the plugin, and the report."""
REPORT = f"{FOLDER}/report.xml"
ID_PROPERTY = "labcrew_id"
CANARY = "test_labcrew_canary"
_MODULE = "labcrew_pytest"
_ASSIGNMENT = re.compile(r"(?<![\w$])PYTHONPATH=")
_SOURCE = """\
import os
import pathlib

import pytest

PLACE = pathlib.Path(os.path.abspath(__file__)).with_name("@CANARY@.py")


def module(session):
    try:
        return pytest.Module.from_parent(session, path=PLACE)
    except TypeError:  # before pytest 7
        import py

        return pytest.Module.from_parent(session, fspath=py.path.local(str(PLACE)))


def pytest_configure(config):
    config.option.maxfail = 0  # what -x leaves out, nothing can be said of


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session, config, items):
    for item in items:
        item.user_properties.append(("@ID@", item.nodeid))
    items.extend(module(session).collect())
"""
# A plain function, run by the same code as all others: what makes those pass makes this one pass.
_CANARY_SOURCE = """\
def @CANARY@():
    raise AssertionError("@NONCE@")
"""
_SHELL = f"""\
export PYTHONPATH="/workspace/{FOLDER}${{PYTHONPATH:+:$PYTHONPATH}}"
export PYTEST_ADDOPTS="$PYTEST_ADDOPTS -p {_MODULE} --junitxml=/workspace/{REPORT} \
-o junit_family=xunit1 --rootdir=/workspace --continue-on-collection-errors"
"""


def plugin(nonce: str) -> dict[str, str]:
    """The files that pytest is given: path in the workspace → text.

    Args:
        nonce: letters and digits that the failing test must fail with.
    """
    files = {f"{FOLDER}/{_MODULE}.py": _SOURCE, f"{FOLDER}/{CANARY}.py": _CANARY_SOURCE}
    filled = {"@NONCE@": nonce, "@CANARY@": CANARY, "@ID@": ID_PROPERTY}
    for mark, value in filled.items():
        files = {path: text.replace(mark, value) for path, text in files.items()}
    return files


def without_canary(output: str) -> str:
    """What pytest printed, without what it says of the test that must fail."""
    kept, inside = [], False
    for line in output.splitlines(keepends=True):
        heading = line.startswith(("____", "====")) and line.rstrip().endswith(("____", "===="))
        if heading or line.startswith("_ "):
            inside = CANARY in line
        if not inside and CANARY not in line:
            kept.append(line)
    return "".join(kept)


def shell_line(command: str) -> str:
    """A shell line that runs a command of tests with the plugin, whatever it sets PYTHONPATH to."""
    return f"{_SHELL}{_ASSIGNMENT.sub(f'PYTHONPATH=/workspace/{FOLDER}:', command)}\n"
