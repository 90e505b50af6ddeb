"""Reading, editing and running on a real engine."""

import asyncio
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from evals.lab import take
from labcrew.errors import GateRequired, PolicyRefused, ToolError
from tests.sandboxes.fixtures import UserFolder
from tests.tools.programming.conftest import Assign, make_fix
from tools.programming.changes import changed_files
from tools.programming.container import code_container, put_code_away
from tools.programming.editing import (
    ApplyDiff,
    ReplaceText,
    RestoreFile,
    WriteFile,
    apply_diff,
    replace_text,
    restore_file,
    write_file,
)
from tools.programming.offers import OFFERS
from tools.programming.reading import (
    _SEARCH,
    ReadFile,
    SearchFiles,
    read_file,
    search_files,
)
from tools.programming.running import RunCommand, run_command
from tools.toolbox import Toolbox, Workbench

pytestmark = pytest.mark.engine
MENDED = "    return rows[:cut], rows[cut:]"
BUG = "    return rows[:cut], rows[:cut]"


def test_files_and_folders_are_read(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    told = read_file.run(ReadFile(path="lab/split.py", first=3, last=4), assigned, bench)
    assert told.text == (
        "lab/split.py, lines 3 to 4 of 4:\n    3\t    cut = int(len(rows) * share)\n    4\t" + BUG
    )
    assert told.lines == 4
    root = read_file.run(ReadFile(path="."), assigned, bench).text
    assert "lab/  (3 files)" in root
    assert "answers" not in root
    assert read_file.run(ReadFile(path="lab/__init__.py"), assigned, bench).text.startswith(
        "lab/__init__.py is empty."
    )
    for call, said in (
        (ReadFile(path="lab/spilt.py"), "no file lab/spilt.py"),
        (ReadFile(path="elsewhere/split.py"), "no file elsewhere/split.py"),
        (ReadFile(path="lab/split.py", first=9), "no line 9"),
        (ReadFile(path="lab/split.py", first=3, last=2), "before first"),
    ):
        with pytest.raises(ToolError, match=said):
            read_file.run(call, assigned, bench)
    with pytest.raises(ToolError) as caught:
        read_file.run(ReadFile(path="split.py"), assigned, bench)
    assert caught.value.remedy == "Did you mean lab/split.py?"


def test_lines_are_searched(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    found = search_files.run(SearchFiles(pattern=r"return rows\[:\w+\]"), assigned, bench)
    assert found.text == f"lab/split.py:4:{BUG}"
    assert (found.count, found.complete) == (1, True)
    literal = SearchFiles(pattern="[:cut]", path="lab", literal=True)
    assert search_files.run(literal, assigned, bench).count == 1
    assert search_files.run(SearchFiles(pattern="secret"), assigned, bench).count == 0
    assert search_files.run(SearchFiles(pattern="-e"), assigned, bench).count == 0
    with pytest.raises(ToolError, match="search failed"):
        search_files.run(SearchFiles(pattern="(["), assigned, bench)


@pytest.mark.parametrize("program", ["git", "grep"])
def test_other_images_search_by_what_they_have(program: str, tmp_path: Path) -> None:
    found, lab = tmp_path / "bin", tmp_path / "code" / "lab"
    found.mkdir()
    lab.mkdir(parents=True)
    for name in (program, "sh"):
        (found / name).symlink_to(shutil.which(name) or "")
    (lab / "split.py").write_text("def split(rows):\n    return rows[:7]\n")
    for pattern, literal in ((r"rows\[:[0-9]\]", ""), ("[:7]", "1"), ("-e", "1")):
        done = subprocess.run(
            ["sh", "-c", _SEARCH, "sh", pattern, ".", literal],
            cwd=tmp_path / "code", env={"PATH": str(found)}, capture_output=True, text=True,
        )  # fmt: skip
        said = done.stdout.removeprefix("./")
        assert said == ("" if pattern == "-e" else "lab/split.py:2:    return rows[:7]\n")


def test_the_image_searches_by_ripgrep(bench: Workbench, assign: Assign) -> None:
    done = run_command.run(RunCommand(command="rg --version"), assign(), bench)
    assert "\nripgrep " in done.text


def test_an_edit_is_kept_seen_and_run(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    told = replace_text.run(ReplaceText(path="lab/split.py", old=BUG, new=MENDED), assigned, bench)
    assert "    4\t" + MENDED in told.text
    assert changed_files(bench.ledger, assigned)["lab/split.py"].endswith(MENDED + "\n")
    assert MENDED in read_file.run(ReadFile(path="lab/split.py"), assigned, bench).text
    assert search_files.run(SearchFiles(pattern="rows.cut:"), assigned, bench).count == 1
    done = run_command.run(
        RunCommand(command="python -c 'from lab.split import split; print(split([1, 2], .5))'"),
        assigned, bench,
    )  # fmt: skip
    assert "([1], [2])" in done.text
    assert done.exit_code == 0


def test_the_same_edit_again_is_the_same_step(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    call = ReplaceText(path="lab/split.py", old="share):", new="share, seed=0):")
    first = replace_text.run(call, assigned, bench)
    before = changed_files(bench.ledger, assigned)
    again = replace_text.run(call, assigned, bench)
    assert (again.text, again.paths) == (first.text, ())
    assert changed_files(bench.ledger, assigned) == before


def test_a_lost_container_and_a_new_process_lose_nothing(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    write_file.run(WriteFile(path="new/a.py", text="print('made')\n"), assigned, bench)
    command = RunCommand(command="cat new/a.py; ls left 2>&1; touch left")
    assert "No such file" in run_command.run(command, assigned, bench).text
    put_code_away(assigned.id, bench.sandboxes)
    again = run_command.run(command, assigned, bench).text
    assert "print('made')" in again
    assert "No such file" in again
    other = replace(bench, ledger=bench.ledger.fenced(lease(bench, assigned.id)))
    assert changed_files(other.ledger, assigned) == {"new/a.py": "print('made')\n"}


def lease(bench: Workbench, ticket: str):  # type: ignore[no-untyped-def]
    return bench.ledger.acquire(ticket, "test", 60)


def test_a_command_that_ends_everything_loses_nothing(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    write_file.run(WriteFile(path="new/a.py", text="x = 1\n"), assigned, bench)
    with suppress(ToolError):  # its end may be told, or not be known
        run_command.run(RunCommand(command="kill -9 -1; sleep 5", timeout_s=20), assigned, bench)
    assert "x = 1" in run_command.run(RunCommand(command="cat new/a.py"), assigned, bench).text


def test_what_commands_change_is_no_part_of_the_change(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    replace_text.run(ReplaceText(path="lab/split.py", old=BUG, new=MENDED), assigned, bench)
    done = run_command.run(
        RunCommand(command="echo 'x = 2' > lab/other.py; rm lab/split.py; mkdir lab/split.py"),
        assigned, bench,
    )  # fmt: skip
    assert done.touched == ("lab/other.py",)
    assert "no part of the change" in done.text
    assert set(changed_files(bench.ledger, assigned)) == {"lab/split.py"}
    assert "halves" in read_file.run(ReadFile(path="lab/other.py"), assigned, bench).text
    # What stood in the change's way is gone again, with the container.
    assert MENDED in run_command.run(RunCommand(command="cat lab/split.py"), assigned, bench).text


def test_a_commands_end_is_told(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    failed = run_command.run(RunCommand(command="echo out; echo err >&2; exit 3"), assigned, bench)
    assert failed.exit_code == 3
    assert "stdout:\nout" in failed.text
    assert "stderr:\nerr" in failed.text
    slow = run_command.run(RunCommand(command="sleep 60", timeout_s=0.5), assigned, bench)
    assert slow.timed_out
    assert "ended after 0.5 s" in slow.text
    long = run_command.run(RunCommand(command="seq 1 1000000"), assigned, bench)
    assert len(long.text) < 25_000
    assert "characters left out" in long.text
    made = run_command.run(RunCommand(command="echo generated > out.log"), assigned, bench)
    assert made.touched == ("out.log",)
    assert "generated" in read_file.run(ReadFile(path="out.log"), assigned, bench).text
    assert (
        "no network"
        in run_command.run(
            RunCommand(command="getent hosts example.org || echo no network"), assigned, bench
        ).text
    )


def test_private_files_are_not_there(bench: Workbench, assign: Assign) -> None:
    done = run_command.run(RunCommand(command="ls; cat answers/*"), assign(), bench)
    assert "secret" not in done.text


def test_an_edit_that_no_longer_parses_changes_nothing(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    with pytest.raises(ToolError, match=r"would not parse.*line 1") as caught:
        replace_text.run(
            ReplaceText(path="lab/split.py", old="share):", new="share:"), assigned, bench
        )
    assert "    1\tdef split(rows, share:" in caught.value.message
    assert changed_files(bench.ledger, assigned) == {}
    with pytest.raises(ToolError, match="would not parse"):
        write_file.run(WriteFile(path="new/x.json", text="{"), assigned, bench)


def test_a_file_that_never_parsed_may_be_mended_step_by_step(
    bench: Workbench, assign: Assign
) -> None:
    assigned = assign()
    replace_text.run(ReplaceText(path="broken.py", old="pass", new="return 1"), assigned, bench)
    replace_text.run(ReplaceText(path="broken.py", old="f(:", new="f():"), assigned, bench)
    with pytest.raises(ToolError, match="would not parse"):
        replace_text.run(ReplaceText(path="broken.py", old="f():", new="f(:"), assigned, bench)


def test_a_diff_of_several_files_is_all_or_nothing(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    good = (
        "--- a/lab/other.py\n+++ b/lab/other.py\n@@ -2 +2 @@\n-    return items[:2], items[:2]\n"
        "+    return items[:2], items[2:]\n"
    )
    bad = (
        "--- a/lab/split.py\n+++ b/lab/split.py\n@@ -4 +4 @@\n-    return nothing\n+    return 1\n"
    )
    with pytest.raises(ToolError, match=r"lab/split.py: hunk 1 of 1") as caught:
        apply_diff.run(ApplyDiff(diff=good + bad), assigned, bench)
    assert BUG in caught.value.message
    assert changed_files(bench.ledger, assigned) == {}
    apply_diff.run(ApplyDiff(diff=good), assigned, bench)
    new = "--- /dev/null\n+++ b/new/b.py\n@@ -0,0 +1 @@\n+y = 1\n"
    apply_diff.run(ApplyDiff(diff=new), assigned, bench)
    assert set(changed_files(bench.ledger, assigned)) == {"lab/other.py", "new/b.py"}
    gone = "--- a/lab/other.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-def halves(items):\n-x\n"
    with pytest.raises(ToolError, match="deleted"):
        apply_diff.run(ApplyDiff(diff=gone), assigned, bench)


def test_edits_that_can_not_be_made_say_why(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    for path, text, said in (
        ("new", "x", "not among the editable"),
        ("lab/split.py/x.py", "x = 1\n", "lab/split.py is a file"),
        ("lab/conftest.py", "x = 1\n", "steers how tests are run"),
        ("tests/test_split.py", "x = 1\n", "not among the editable"),
        ("answers/holdout.csv", "x\n", "private"),
    ):
        with pytest.raises(ToolError, match=said):
            write_file.run(WriteFile(path=path, text=text), assigned, bench)
    with pytest.raises(ToolError, match=r"no file new/none\.py"):
        replace_text.run(ReplaceText(path="new/none.py", old="a", new="b"), assigned, bench)
    same = read_file.run(ReadFile(path="lab/__init__.py"), assigned, bench)
    assert same.lines == 0
    with pytest.raises(ToolError, match="Nothing would change"):
        write_file.run(WriteFile(path="lab/__init__.py", text=""), assigned, bench)


def test_a_file_is_taken_back(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    with pytest.raises(ToolError, match="as the base commit has it"):
        restore_file.run(RestoreFile(path="lab/split.py"), assigned, bench)
    write_file.run(WriteFile(path="lab/split.py", text="x = 1\n"), assigned, bench)
    restore_file.run(RestoreFile(path="lab/split.py"), assigned, bench)
    restore_file.run(RestoreFile(path="lab/split.py"), assigned, bench)
    assert changed_files(bench.ledger, assigned) == {}
    assert BUG in run_command.run(RunCommand(command="cat lab/split.py"), assigned, bench).text


def test_windows_line_breaks_stay(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    replace_text.run(ReplaceText(path="windows.txt", old="one\n", new="1\n"), assigned, bench)
    assert changed_files(bench.ledger, assigned) == {"windows.txt": "1\r\ntwo\r\n"}


def test_a_revision_takes_up_where_the_last_one_ended(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    write_file.run(WriteFile(path="new/a.py", text="x = 1\n"), assigned, bench)
    later = assigned.model_copy(update={"revision": 1})
    write_file.run(WriteFile(path="new/b.py", text="x = 1\n"), later, bench)
    assert set(changed_files(bench.ledger, later)) == {"new/a.py", "new/b.py"}


def test_through_the_toolbox_edits_wait_for_the_plan(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    tools = Toolbox("merge_request", assigned, bench, "step-0")
    read = OFFERS["read_file"]
    said = asyncio.run(tools.use(read.tool, read.call('{"path": "lab/split.py"}')))
    assert BUG in said.text
    with pytest.raises(GateRequired):
        asyncio.run(tools.use(write_file, WriteFile(path="new/a.py", text="")))
    with pytest.raises(PolicyRefused, match="path must be"):
        asyncio.run(tools.use(read_file, ReadFile(path="answers/holdout.csv")))
    other = Toolbox("log_monitor", assigned, bench, "step-0")
    with pytest.raises(PolicyRefused):
        asyncio.run(other.use(read_file, ReadFile(path="lab/split.py")))


def test_before_the_environment_is_prepared_the_base_image_reads(
    plain_bench: Workbench, user: UserFolder
) -> None:
    assigned = take(plain_bench, make_fix(user), Path("/"), "T-5000")
    found = search_files.run(SearchFiles(pattern="rows"), assigned, plain_bench)
    assert found.count == 3
    assert code_container(assigned, plain_bench) == "t-5000-reading"
    put_code_away(assigned.id, plain_bench.sandboxes)


def test_a_diff_that_makes_a_file_does_not_touch_one_that_is_there(
    bench: Workbench, assign: Assign
) -> None:
    assigned = assign()
    new = "--- /dev/null\n+++ b/lab/other.py\n@@ -0,0 +1 @@\n+x = 1\n"
    with pytest.raises(ToolError, match=r"lab/other\.py exists already"):
        apply_diff.run(ApplyDiff(diff=new), assigned, bench)
    assert changed_files(bench.ledger, assigned) == {}


def test_two_sections_of_a_diff_for_one_file_build_on_each_other(
    bench: Workbench, assign: Assign
) -> None:
    assigned = assign(editable=["notes/**"])
    names = "--- a/notes/readme.txt\n+++ b/notes/readme.txt\n"
    emptied = f"{names}@@ -1,3 +0,0 @@\n-one\n-two\n-three\n"
    filled = f"{names}@@ -0,0 +1 @@\n+four\n"
    apply_diff.run(ApplyDiff(diff=emptied + filled), assigned, bench)
    assert changed_files(bench.ledger, assigned) == {"notes/readme.txt": "four\n"}


def test_a_file_that_is_written_whole_keeps_its_line_breaks(
    bench: Workbench, assign: Assign
) -> None:
    assigned = assign(editable=["windows.txt"])
    write_file.run(WriteFile(path="windows.txt", text="one\nthree\n"), assigned, bench)
    assert changed_files(bench.ledger, assigned) == {"windows.txt": "one\r\nthree\r\n"}
