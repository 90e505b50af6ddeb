"""What is read of this machine's pip: its files, its variables, and nothing that is not its."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from labcrew.errors import EnvironmentBroken
from sandboxes.environments.host_pip import HostPip, host_pip


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither variables nor files of the machine's own."""
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine where no pip is found: only its variables tell."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A pip that is asked for its configuration; the file of what it answers."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), *os.get_exec_path()]))
    said = tmp_path / "said"
    command = tmp_path / "pip"
    command.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        f'"config list") cat {said} ;;\n"download --help") cat {said}.help ;;\n*) exit 1 ;;\nesac\n'
    )
    command.chmod(0o755)
    return said


@pytest.mark.usefixtures("no_pip")
def test_a_machine_without_pip_has_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert host_pip().settings == {}
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "a.example b.example a.example")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    assert host_pip().settings == {
        "index-url": "https://index.example/simple",
        "trusted-host": "a.example b.example",
    }


def test_variables_win_and_lists_add_up(pip: Path) -> None:
    pip.write_text(
        ":env:.index-url='https://variable.example/simple'\n"
        ":env:.extra-index-url='https://variable.example/more'\n"
        "global.index-url='https://file.example/simple'\n"
        "install.extra-index-url='https://one.example/s\\nhttps://two.example/s'\n"
        "global.timeout='7'\n"
        "download.timeout='9'\n"
        "global.cache-dir='/elsewhere'\n"
    )
    assert host_pip().settings == {
        "index-url": "https://variable.example/simple",
        "extra-index-url": "https://one.example/s https://two.example/s"
        " https://variable.example/more",
        "timeout": "7",
    }


def test_folders_are_taken_out_if_a_sandbox_could_read_them(pip: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for name, mode in (("open", 0o755), ("with space", 0o755), ("closed", 0o700)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    places = [
        tmp_path / "open", f"file://{tmp_path}/with%20space", tmp_path / "closed",
        tmp_path / "none", tmp_path / "open", "https://links.example/",
    ]  # fmt: skip
    pip.write_text(
        f"global.find-links='{' '.join(map(str, places))}'\n"
        f"global.index-url='file://{tmp_path}/open'\n"
    )
    found = host_pip()
    assert found.settings == {"find-links": "https://links.example/"}
    assert found.folders == (tmp_path / "open", tmp_path / "with space")


@pytest.mark.usefixtures("no_pip")
def test_certificates_and_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"certificates")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    found = host_pip()
    assert found.certificates == b"certificates"
    assert found.proxies == {"HTTPS_PROXY": "http://proxy.example:3128"}
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    assert host_pip().certificates == b"certificates"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    assert host_pip().certificates != b"certificates"


def test_a_shell_reads_back_what_was_there() -> None:
    pip = HostPip(
        {"index-url": "https://u:p'$(x)@index.example/simple", "trusted-host": "a b"},
        (),
        b"certificates",
        {"HTTPS_PROXY": "http://proxy.example"},
    )
    lines = [shlex.split(line)[0].partition("=") for line in pip.shell("/host").splitlines()]
    read = {name: value for name, _, value in lines}
    assert read == pip.environment("/host")
    assert read["PIP_INDEX_URL"] == "https://u:p'$(x)@index.example/simple"
    assert read["PIP_CERT"] == read["SSL_CERT_FILE"] == "/host/ca.pem"
    assert "PIP_CERT" not in HostPip({}, (), b"", {}).environment("/host")


def test_the_index_is_a_setting_or_what_pip_falls_back_to(pip: Path) -> None:
    pip.write_text("global.index-url='https://file.example/simple'\n")
    assert host_pip().index == "https://file.example/simple"
    pip.write_text("")
    pip.with_name("said.help").write_text(
        "Options:\n  -i, --index-url <url>   Base URL of the index (default\n"
        "                          https://default.example/simple).\n"
        "  --extra-index-url <url>  More (default https://no.example/simple)\n"
    )
    assert host_pip().index == "https://default.example/simple"


@pytest.mark.usefixtures("no_pip")
def test_an_index_that_nobody_names_is_an_error_for_people() -> None:
    with pytest.raises(EnvironmentBroken, match="PIP_INDEX_URL"):
        _ = host_pip().index


def test_this_machines_own_pip_says_what_it_falls_back_to() -> None:
    assert host_pip().index.startswith("https://")


def test_a_pip_in_the_users_folder_is_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    (tmp_path / "pip.py").write_text(f"open({str(marker)!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    host_pip()
    assert not marker.exists()
