"""A program that runs on the host says in which folder: the user's own may be a stranger's."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("labcrew", "agents", "graphs", "tools", "memory", "sandboxes", "desk")
MODULES = {"subprocess", "os", "asyncio", "pty", "multiprocessing"}
STARTERS = {
    "run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput", "system",
    "popen", "posix_spawn", "posix_spawnp", "create_subprocess_exec", "create_subprocess_shell",
    "Process", "get_context", "spawn", "execv", "execve", "execvp", "execvpe", "execl", "execle",
    "execlp", "spawnv", "spawnve", "spawnvp", "spawnl", "spawnlp", "ProcessPoolExecutor",
}  # fmt: skip

# What each starts without saying where, and why that is right.
ELSEWHERE = {
    "desk/attached_commands.py": "the person's own command, in the person's own folder",
    "sandboxes/processes.py": "the person's own command, in the person's own folder",
    "sandboxes/volumes/keeping.py": "the keeper's container, where alone it runs",
    "tools/mcp_servers/bridge.py": "a server's container, where alone it runs",
}


def starts(source: str) -> list[str]:
    """The calls that start a program without a `cwd`, as `line: name`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(given.arg == "cwd" for given in node.keywords):
            continue
        name = ast.unparse(node.func)
        on, _, last = name.rpartition(".")
        # GitPython's command object takes its folder first.
        without = name == "Git" and not node.args
        if without or last == "ProcessPoolExecutor" or (on in MODULES and last in STARTERS):
            if name != "asyncio.run":
                found.append(f"{node.lineno}: {name}")
        elif on == "" and last in STARTERS - {"run", "call", "system", "spawn", "Process"}:
            found.append(f"{node.lineno}: {name}")
    return found


def strangers() -> dict[str, list[str]]:
    # These run in containers, not on the host.
    inside = {ROOT / "sandboxes" / "image", ROOT / "sandboxes" / "runner" / "inside"}
    return {
        str(path.relative_to(ROOT)): found
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not inside & set(path.parents) and (found := starts(path.read_text(encoding="utf-8")))
    }


def test_every_program_on_the_host_is_told_where_it_runs() -> None:
    found = {name: calls for name, calls in strangers().items() if name not in ELSEWHERE}
    assert found == {}, 'give it cwd="/", or say above why the user\'s folder is right'


def test_the_list_of_exceptions_is_not_stale() -> None:
    assert set(ELSEWHERE) <= set(strangers())


def test_the_scan_sees_every_way() -> None:
    for line in (
        "subprocess.run(['x'])", "subprocess.Popen(command)", "os.system('x')", "os.execv(a, b)",
        "asyncio.create_subprocess_exec('x')", "multiprocessing.get_context('spawn')", "Git()",
        "Popen(['x'])", "check_output(['x'])", "ProcessPoolExecutor()",
    ):  # fmt: skip
        assert starts(line), line
    for line in ("subprocess.run(['x'], cwd='/')", "asyncio.run(x())", "Git(folder)", "run(x)"):
        assert not starts(line), line
