"""Files that a sandbox made are opened by one reader; every other opening is named here."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("labcrew", "agents", "graphs", "tools", "memory", "sandboxes", "desk")
OPENERS = {
    "open", "fdopen", "read_bytes", "read_text", "rglob", "glob", "iterdir", "walk", "scandir",
    "listdir", "copytree", "copyfile", "copy", "copy2", "move", "unpack_archive", "extractall",
    "extract", "loadtxt", "load", "read_csv", "ZipFile", "memmap",
}  # fmt: skip
AMBIGUOUS = {"copy", "copy2", "load", "extract", "move", "walk"}  # unless a file module's
NO_FILES = {
    "Ledger",
    "forge",
    "UserRepository",
    "ast",
    "uplinks",
    "residents",
    "self",
    "coordinator",
    "threads",
}
FILE_MODULES = {"os", "io", "shutil", "tarfile", "zipfile", "np", "numpy", "pickle", "fileinput"}

# What each opens, and why nothing in a sandbox can have made it.
TRUSTED = {
    "labcrew/beneath.py": "the one reader",
    "labcrew/openat2.py": "what the reader opens with",
    "labcrew/home.py": "the home's own record and lock",
    "labcrew/own_homes.py": "labcrew's own note of a home, outside any folder",
    "labcrew/spending.py": "the home's own folder of calls under way",
    "labcrew/settings.py": "the person's settings file",
    "labcrew/ledger/anchor.py": "the ledger's anchor",
    "labcrew/skills/folder.py": "the skills of the home, and of the folder that settings name",
    "labcrew/ticket_file.py": "the ticket that a person names",
    "desk/board/assets.py": "labcrew's own style sheets and scripts",
    "desk/chat/intents.py": "labcrew's own examples",
    "desk/views/settings.py": "the person's settings file",
    "desk/local_model.py": "the model that the person's settings name",
    "memory/chroma.py": "the index's own folder",
    "sandboxes/crossing/files.py": "the tar stream of the engine, judged member by member",
    "sandboxes/crossing/tarballs.py": "a tar being written",
    "sandboxes/git/repositories.py": "labcrew's lock",
    "sandboxes/git/belonging.py": "the names in a person's git folder, none of which is opened",
    "sandboxes/git/landing.py": "the trusted repository's list of shallow commits",
    "sandboxes/volumes/keeper.py": "labcrew's own program for the keeper",
    "sandboxes/volumes/keeping.py": "image files and loop devices, inside the keeper's container",
    "sandboxes/volumes/owners.py": "the boot's id and labcrew's own locks",
    "sandboxes/network/dockerfile.py": "the archive of a commit that a person's gate let through",
    "sandboxes/runner/program.py": "labcrew's own programs for the runner",
    "sandboxes/images.py": "labcrew's own image context",
    "sandboxes/engine.py": "the engine's state and log",
    "sandboxes/processes.py": "/proc",
    "sandboxes/usage.py": "/proc and the kernel's control groups",
    "sandboxes/hardening.py": "labcrew's own filter",
    "sandboxes/environments/host_pip.py": "the host's certificate bundle",
    "agents/drafting/judge.py": "labcrew's own evaluator, which runs in a sandbox alone",
    "agents/evolution/library/__init__.py": "labcrew's own components",
    "desk/acting.py": "a lock",
    "graphs/verification.py": "a lock",
    "desk/web/access_file.py": "the home's own list of who may enter: no link, no pipe, capped",
    "desk/cli/tickets.py": "the draft of an imported issue being written",
    "desk/loop_export.py": "a loop's tables being written",
    "desk/cli/results.py": "the report's file being written",
    "desk/deliverables/office_files.py": "a document that labcrew has just made, in memory",
    "desk/cli/drafting.py": "the ticket's file being written",
    "desk/assigning.py": "the data file that a person's ticket names",
    "desk/keeping.py": "whether the export's folder is empty, and the home's own folders",
    "tools/offers.py": "the archive of a ticket's commit, in memory, of which text is searched",
    "tools/programming/base_files.py": "the same, of which texts are given",
    "tools/evolution/scorer_files.py": "the same, of an evolution's commit, whose files are hashed",
    "tools/followers/log_file.py": "the log that a person names: no link, no pipe, only read",
    "tools/followers/tensorboard.py": "the folder that a person names: no link, no pipe, capped",
    "tools/followers/writers.py": "/proc",
    "tools/followers/process.py": "/proc",
    "tools/followers/proc.py": "/proc",
    "tools/line_times.py": "a log being written",
    "tools/checkpoint_tidying.py": "a trial's own container, where alone it runs",
    "tools/run_trial.py": "a log being written",
}


def openings(path: Path) -> list[str]:
    """The calls of a file that open a path or list a folder, as `line: name`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            found.append(f"{node.lineno}: open")
        elif isinstance(node.func, ast.Attribute) and node.func.attr in OPENERS:
            on = ast.unparse(node.func.value)
            if on in FILE_MODULES or (
                node.func.attr not in AMBIGUOUS and on.split(".")[-1] not in NO_FILES
            ):
                found.append(f"{node.lineno}: {on}.{node.func.attr}")
    return found


def modules() -> list[Path]:
    # These run in containers, not on the host.
    inside = {ROOT / "sandboxes" / "image", ROOT / "sandboxes" / "runner" / "inside"}
    return [
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not inside & set(path.parents)
    ]


def test_no_other_module_opens_files() -> None:
    found = {str(path.relative_to(ROOT)): openings(path) for path in modules()}
    strangers = {name: calls for name, calls in found.items() if calls and name not in TRUSTED}
    assert strangers == {}, "read it through labcrew.beneath, or say above why it is trusted"


def test_the_list_of_exceptions_is_not_stale() -> None:
    there = {str(path.relative_to(ROOT)) for path in modules() if openings(path)}
    assert set(TRUSTED) == there


def test_the_scan_sees_an_opening(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.py"
    stranger.write_text(
        "from pathlib import Path\nimport os\nPath('a').read_bytes()\nopen('b')\n"
        "os.open('c', 0)\nlog_path.open()\nkept.log.open()\nfolder.rglob('*')\n"
    )
    assert len(openings(stranger)) == 6
