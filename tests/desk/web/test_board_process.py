"""`labcrew board` as people start it: a process of its own, over real HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from desk.wiring import open_home
from labcrew.home import Home

REPOSITORY = Path(__file__).parents[3]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from desk.cli import main; main()", *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "LABCREW_USER": "ada", "PYTHONPATH": str(REPOSITORY), **more}


def run(*arguments: str) -> Any:
    done = subprocess.run(
        command(*arguments, "--json"), env=environment(), capture_output=True, text=True, timeout=60
    )
    return json.loads(done.stdout)


@contextmanager
def board(home: Path, *arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """A running board and what it answered."""
    process = subprocess.Popen(
        command("board", "--port", "0", "--home", str(home), "--json", *arguments),
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if line == "}\n":
                break
        yield process, json.loads(said)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def words(process: subprocess.Popen[str], awaited: str) -> str:
    """What a board says on standard error, up to a line that holds the awaited words."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if awaited in line:
            return said
    raise AssertionError(said)


@pytest.mark.timeout(120)
def test_the_first_start_prints_token_and_address_once_and_ctrl_c_ends_open_streams(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with board(home, "--no-work") as (process, first):
        bearer = {"Authorization": f"Bearer {first['token']}"}
        with httpx.Client(base_url=first["address"]) as client:
            assert client.get("/api/v1/tickets").status_code == 401
            assert client.get("/api/v1/tickets", headers=bearer).json()["items"] == []
            code = first["sign_in"].rpartition("=")[2]
            page = client.get(first["sign_in"])
            assert code in page.text
            signed_in = client.post("/sign-in", data={"code": code})
            assert signed_in.status_code == 303
            assert client.get("/tickets").status_code == 200  # by the cookie
            stream = client.send(client.build_request("GET", "/api/v1/events"), stream=True)
            lines = stream.iter_lines()
            next(lines)
            process.send_signal(signal.SIGINT)
            assert "".join(lines) == ""  # it ends as it should
            stream.close()
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "The board is closed" in told
        assert "Traceback" not in told
    with board(home, "--no-work") as (process, second):
        assert (second["token"], second["sign_in"]) == (None, None)
        answer = httpx.get(f"{second['address']}/api/v1/tickets", headers=bearer)
        assert answer.status_code == 200
        process.terminate()
        assert process.wait(60) == 0
    with open_home(home) as opened:
        kinds = [event.kind for event in opened.ledger.events.of()]
        assert kinds == ["access.token_added", "access.signed_in"]
        assert first["token"] not in json.dumps([e.data for e in opened.ledger.events.of()])
    assert (home / "access.json").stat().st_mode & 0o777 == 0o600
    assert first["token"] not in (home / "access.json").read_text()


@pytest.mark.timeout(120)
def test_people_read_the_address_and_a_taken_port_is_said_clearly(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = subprocess.Popen(
        command("board", "--port", "0", "--no-work", "--home", str(home)),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = words(process, "Sign in")
        [port] = re.findall(r"The board: http://127\.0\.0\.1:(\d+)", said)
        assert re.search(r"Your token, shown this once: lab_\S{40,}", said)
        error = run("board", "--port", port, "--no-work", "--home", str(home))["error"]
        assert f"Port {port}" in error["message"]
        assert "--port" in error["remedy"]
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.timeout(120)
def test_a_killed_board_loses_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with board(home, "--no-work") as (process, first):
        bearer = {"Authorization": f"Bearer {first['token']}"}
        with httpx.Client(base_url=first["address"], headers=bearer) as client:
            stream = client.send(
                client.build_request("GET", "/api/v1/events", params={"after": 0}), stream=True
            )
            lines = stream.iter_lines()
            assert "access.token_added" in next(x for x in lines if "data:" in x)
            process.kill()
            with pytest.raises(httpx.TransportError):
                list(lines)
    with board(home, "--no-work") as (process, again):
        assert again["token"] is None
        with (
            httpx.Client(base_url=again["address"], headers=bearer) as client,
            client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "0"}) as stream,
        ):
            assert "access.token_added" in next(x for x in stream.iter_lines() if "data:" in x)
    with open_home(home) as opened:
        assert opened.ledger.verify() == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("why", ["owned", "no engine"])
def test_where_it_can_not_work_it_says_why_and_serves(tmp_path: Path, why: str) -> None:
    home = Home(tmp_path / "home")
    home.create()
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    with home.owned():
        if why == "owned":
            with board(home.root) as (process, said):
                assert f"in use by process {os.getpid()}" in words(process, "Not at work")
                assert httpx.get(f"{said['address']}/sign-in").status_code == 200
            return
    with board(home.root, **nowhere) as (process, said):
        assert "engine" in words(process, "Not at work").lower()
        assert httpx.get(f"{said['address']}/sign-in").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.timeout(120)
def test_tokens_are_made_listed_and_removed_while_the_board_runs(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    with board(Path(home), "--no-work") as (_, said):
        made = run("board", "token", "add", "Grace Hopper", "--role", "viewer", "--home", home)
        header = {"Authorization": f"Bearer {made['token']}"}
        address = f"{said['address']}/api/v1/tickets"
        assert httpx.get(address, headers=header).status_code == 200
        listed = run("board", "token", "list", "--home", home)["tokens"]
        assert [(t["name"], t["role"]) for t in listed] == [
            ("ada", "approver"),
            ("Grace Hopper", "viewer"),
        ]
        assert not any("hash" in token for token in listed)
        run("board", "token", "remove", made["id"], "--home", home)
        assert httpx.get(address, headers=header).status_code == 401
        again = run("board", "token", "remove", made["id"], "--home", home)
        assert again["error"]["type"] == "NotFound"
        assert "error" in run("board", "token", "add", "bad\nname", "--home", home)
        raised = run("board", "token", "add", "ada", "--role", "viewer", "--home", home)
        assert "ada has a token as approver already" in raised["error"]["message"]
        misplaced = subprocess.run(
            command("board", "--home", home, "token", "list"),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert misplaced.returncode == 2
        assert "--home goes behind" in misplaced.stderr
    with open_home(Path(home)) as opened:
        kinds = [event.kind for event in opened.ledger.events.of()]
    assert kinds == ["access.token_added", "access.token_added", "access.token_removed"]


@pytest.mark.timeout(120)
def test_two_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    program = (
        "import sys, pathlib; from desk.web.access import Access\n"
        "access = Access(pathlib.Path(sys.argv[1]))\n"
        "for number in range(25): access.add(f'{sys.argv[2]}{number}', 'viewer')"
    )
    adding = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(home.access_file), who], env=environment()
        )
        for who in "abc"
    ]
    assert [process.wait(60) for process in adding] == [0, 0, 0]
    listed = run("board", "token", "list", "--home", str(home.root))["tokens"]
    assert {token["name"] for token in listed} == {f"{w}{n}" for w in "abc" for n in range(25)}
    assert len({token["id"] for token in listed}) == 75


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_it_works_on_the_tickets_and_an_interrupt_ends_both(tmp_path: Path) -> None:
    with board(tmp_path / "home") as (process, said):
        words(process, "At work on the tickets")
        time.sleep(1)
        assert httpx.get(f"{said['address']}/sign-in").status_code == 200
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in told
        assert "has not ended in time" not in told
