"""git runs in one place: no other module imports it, or starts it on anybody's files."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNNER = "sandboxes/git/git_runner.py"
FOLDERS = ("labcrew", "agents", "graphs", "tools", "memory", "sandboxes", "desk", "scripts")
STARTERS = {
    "run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput", "system",
    "popen", "execv", "execvp", "execl", "execlp", "spawnv", "spawnlp", "posix_spawn",
    "posix_spawnp", "create_subprocess_exec", "create_subprocess_shell", "which",
}  # fmt: skip
# Asks git for its version, and touches no repository.
ELSEWHERE = {"desk/doctor.py"}


def uses(source: str) -> list[str]:
    """Imports of git libraries, and starts of git, directly or by a list with its name in front."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [
                f"{node.lineno}: imports {name}"
                for name in _modules(node)
                if name.split(".")[0] in {"git", "gitdb", "pygit2", "dulwich"}
            ]
        if isinstance(node, ast.List | ast.Tuple) and node.elts and _is_git(node.elts[0]):
            found.append(f"{node.lineno}: a command of git")
        if isinstance(node, ast.Call) and node.args and _is_git(node.args[0]):
            if _name(node.func) in STARTERS:
                found.append(f"{node.lineno}: starts git")
            elif _name(node.func) in {"__import__", "import_module"}:
                found.append(f"{node.lineno}: imports git")
    return found


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if node.level == 0 else []


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_git(node: ast.expr) -> bool:
    """Whether a literal is git's name or a command line that begins with it."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0] if isinstance(node.values[0], ast.Constant) else node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    word = node.value.strip().split(" ")[0].rsplit("/", 1)[-1]
    return word == "git" or word.startswith("git-")


def test_git_runs_in_one_place() -> None:
    inside = ROOT / "sandboxes" / "image"  # runs in the container
    strangers = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if inside in path.parents or name == RUNNER:
                continue
            found = uses(path.read_text(encoding="utf-8"))
            if name in ELSEWHERE:
                found = [use for use in found if "imports" in use]
            if found:
                strangers[name] = found
    assert strangers == {}


def test_the_one_place_does() -> None:
    assert uses((ROOT / RUNNER).read_text(encoding="utf-8"))


def test_the_scan_sees_every_way() -> None:
    for line in (
        "import git", "from git.repo import Repo", "import pygit2", "__import__('git')",
        "subprocess.run(['git', 'status'])", "os.system('git status')", "x = ['/usr/bin/git']",
        "subprocess.Popen(f'git -C {x} log', shell=True)", "shutil.which('git')",
        "asyncio.create_subprocess_exec('git', 'log')",
    ):  # fmt: skip
        assert uses(line), line
    for line in ("x = 'git'", "print('git is missing')", "from sandboxes.git.git_runner import x"):
        assert not uses(line), line
