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
CANARY = "labcrew_canary"
_MODULE = "labcrew_pytest"
_ASSIGNMENT = re.compile(r"(?<![\w$])PYTHONPATH=")
_SOURCE = """\
import pytest


class Canary(pytest.Item):
    def runtest(self):
        raise RuntimeError("@NONCE@")

    def repr_failure(self, excinfo, style=None):
        return "@NONCE@"

    def reportinfo(self):
        return __file__, 0, "@CANARY@"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session, config, items):
    for item in items:
        item.user_properties.append(("@ID@", item.nodeid))
    items.append(Canary.from_parent(session, name="@CANARY@"))
"""
_SHELL = f"""\
export PYTHONPATH="/workspace/{FOLDER}${{PYTHONPATH:+:$PYTHONPATH}}"
export PYTEST_ADDOPTS="$PYTEST_ADDOPTS -p {_MODULE} --junitxml=/workspace/{REPORT} \
-o junit_family=xunit1 --rootdir=/workspace --continue-on-collection-errors"
"""


def plugin(nonce: str) -> tuple[str, str]:
    """The plugin's path in the workspace, and its source.

    Args:
        nonce: letters and digits that the failing test must fail with.
    """
    source = _SOURCE.replace("@NONCE@", nonce).replace("@CANARY@", CANARY)
    return f"{FOLDER}/{_MODULE}.py", source.replace("@ID@", ID_PROPERTY)


def shell_line(command: str) -> str:
    """A shell line that runs a command of tests with the plugin, whatever it sets PYTHONPATH to."""
    return f"{_SHELL}{_ASSIGNMENT.sub(f'PYTHONPATH=/workspace/{FOLDER}:', command)}\n"
