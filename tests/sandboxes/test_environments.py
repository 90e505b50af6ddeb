"""Environments: planned from the files of a commit, installed once, found again when cut off."""

import shutil
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labcrew.domain.measuring import Metric
from labcrew.domain.running import Environment, Run
from labcrew.domain.sandbox import EnvironmentPlan, Limits
from labcrew.domain.ticket import Ticket
from labcrew.errors import EngineUnavailable, EnvironmentBroken, GateRequired
from labcrew.patterns import hidden
from sandboxes import hardening, images
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.environments.environments import Environments
from sandboxes.environments.requirements import add_packages, read_requirements
from tests.sandboxes.fixtures import Workshop, make_user

MARKS = (hardening.HOME, hardening.OWNER, hardening.NAME, hardening.PURPOSE)
CUT_OFF = """
import sys
from pathlib import Path
from sandboxes.docker_sandboxes import DockerSandboxes
from labcrew.domain.sandbox import EnvironmentPlan
from sandboxes.environments.environments import Environments
from sandboxes.git.repositories import GitRepositories
repositories = GitRepositories(Path("/nonexistent"))
plan = EnvironmentPlan.model_validate_json(sys.argv[2])
Environments(DockerSandboxes(sys.argv[1], repositories), repositories).ensure(plan)
"""


def ticket(private: tuple[str, ...] = (), **environment: object) -> Ticket:
    evaluator = {"command": "python evaluate.py {outputs} {split}", "private": private}
    hidden = {"path": "data/holdout.csv", "split": "holdout", "private": True}
    return Ticket.model_validate(
        {
            "title": "t",
            "repository": ".",
            "kind": "implement",
            "metric": Metric(name="m", direction="maximize", file="m.jsonl"),
            "run": Run(command="python train.py"),
            "evaluator": evaluator if private else None,
            "data": [hidden] if private else [],
            "environment": Environment.model_validate(environment),
        }
    )


@pytest.fixture
def environments(workshop: Workshop) -> Environments:
    limits = Limits(cpus=2, memory_mb=1024, timeout_s=300)
    return Environments(workshop.sandboxes, workshop.repositories, limits=limits)


def planned(environments: Environments, ticket: Ticket, copy: str, commit: str) -> EnvironmentPlan:
    return environments.plan(ticket.environment, copy, commit, hidden(ticket))


def repository(workshop: Workshop, tmp_path: Path, **files: str) -> tuple[str, str]:
    user = make_user(tmp_path / "lab")
    for name, content in files.items():
        user.write(name.replace("__", ".").replace("_in_", "/"), content)
    name = f"env{uuid.uuid4().hex[:8]}"
    return name, workshop.repositories.take(name, user.path, user.commit(), snapshot=False)


class TestPlan:
    def test_nothing_found_is_the_base_image(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        where = repository(workshop, tmp_path, environment__yml="name: x\n")
        plan = planned(environments, ticket(), *where)
        assert (plan.kind, plan.needs_gate) == ("base", False)
        assert "environment.yml is not read" in plan.description
        assert environments.ensure(plan) == workshop.image

    def test_found_named_and_added(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        files = {
            "requirements__txt": "numpy==2.0 # why\n-r more.txt\n-e .\n",
            "more__txt": "-c limits.txt\nscipy \\\n>=1\n",
            "limits__txt": "scipy<2\n",
            "pyproject__toml": '[project]\nname = "x"\ndependencies = ["torch>=2"]\n',
        }
        where = repository(workshop, tmp_path, **files)
        plan = planned(environments, ticket(packages=("rich",)), *where)
        assert plan.requirements == "numpy==2.0\nscipy  >=1\nrich\n# constraint: scipy<2\n"
        assert "left out" in plan.description
        other = planned(environments, ticket(requirements="pyproject.toml"), *where)
        assert other.requirements == "torch>=2\n"
        assert other.key != plan.key
        with pytest.raises(EnvironmentBroken, match=r"none\.txt is not in"):
            planned(environments, ticket(requirements="none.txt"), *where)

    def test_an_environment_outlives_an_edit_of_our_own_programs(
        self,
        workshop: Workshop,
        environments: Environments,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        where = repository(workshop, tmp_path, requirements__txt="iniconfig\n")
        plan = planned(environments, ticket(), *where)
        folder = tmp_path / "image"
        shutil.copytree(images.context(), folder)
        monkeypatch.setattr(images, "context", lambda: folder)
        (folder / "inside" / "another.py").write_text("")
        assert images.base_tag() != workshop.image
        assert planned(environments, ticket(), *where).key == plan.key
        (folder / "requirements.txt").write_text("")
        assert planned(environments, ticket(), *where).key != plan.key

    def test_packages_alone_look_for_no_file_and_a_failure_brings_its_log(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        where = repository(workshop, tmp_path, requirements__txt="numpy\n")
        wanted = Environment(packages=("iniconfig==0.0.0.1",), alone=True)
        plan = environments.plan(wanted, *where)
        assert plan.requirements == "iniconfig==0.0.0.1\n"
        with pytest.raises(EnvironmentBroken) as caught:
            environments.ensure(plan)
        assert "No matching distribution found for iniconfig==0.0.0.1" in caught.value.log

    def test_what_a_person_decides_first(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        where = repository(workshop, tmp_path, Dockerfile="FROM scratch\n")
        docker = planned(environments, ticket(dockerfile="Dockerfile"), *where)
        address = planned(environments, ticket(packages=("x @ git+https://example.org/x",)), *where)
        for plan in (docker, address):
            assert plan.needs_gate
            with pytest.raises(GateRequired):
                environments.ensure(plan)

    def test_a_dockerfile_has_the_engine_fetch_nothing(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        where = repository(workshop, tmp_path, Dockerfile="FROM scratch\nADD http://127.0.0.1 /x\n")
        with pytest.raises(EnvironmentBroken, match="the engine itself would fetch"):
            planned(environments, ticket(dockerfile="Dockerfile"), *where)

    def test_an_image_is_pinned_by_its_content(
        self, workshop: Workshop, environments: Environments
    ) -> None:
        plan = planned(environments, ticket(image=workshop.image), "lab", workshop.commit)
        digest = workshop.sandboxes.image_digest(workshop.image)
        assert (environments.ensure(plan), plan.source) == (digest, digest)
        assert digest[:19] in plan.description
        missing = planned(environments, ticket(image="labcrew/none:none"), "lab", workshop.commit)
        with pytest.raises(EnvironmentBroken, match="docker pull"):
            environments.ensure(missing)

    def test_a_name_that_means_another_image_is_another_plan(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        spelt, mark, client = "labcrew/moved", uuid.uuid4().hex, workshop.sandboxes.client
        name = f"{spelt}:{mark}"
        where = repository(workshop, tmp_path, Dockerfile=f"FROM {workshop.image}\nENV A={name}\n")
        client.tag(workshop.image, repository=spelt, tag=mark)
        try:
            first = planned(environments, ticket(image=name), "lab", workshop.commit)
            built = planned(environments, ticket(dockerfile="Dockerfile"), *where)
            other = environments.ensure(built, approved=True)
            client.tag(other, repository=spelt, tag=mark)
            second = planned(environments, ticket(image=name), "lab", workshop.commit)
            assert first.key != second.key
            # What was approved is what runs, whatever the name means by now.
            assert environments.ensure(first) == workshop.sandboxes.image_digest(workshop.image)
            client.remove_image(other, force=True)
        finally:
            client.remove_image(name, force=True)

    def test_without_an_engine_an_image_is_planned_by_its_name(self, workshop: Workshop) -> None:
        class Away(DockerSandboxes):
            def image_digest(self, image: str) -> str:
                raise EngineUnavailable("No Docker engine answers")

        away = Away("away", workshop.repositories)
        plan = planned(Environments(away, workshop.repositories), ticket(image="x:y"), "lab", "c")
        assert plan.source == "x:y"

    def test_a_private_dockerfile_is_refused_and_what_is_hidden_counts(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        where = repository(workshop, tmp_path, Dockerfile="FROM scratch\n")
        keys = {
            planned(environments, ticket(private=private, dockerfile="Dockerfile"), *where).key
            for private in ((), ("evaluate.py",), ("evaluate.py", "train.py"))
        }
        assert len(keys) == 3
        with pytest.raises(EnvironmentBroken, match="is private"):
            planned(environments, ticket(private=("Docker*",), dockerfile="Dockerfile"), *where)


class TestReading:
    def read(self, **files: str) -> str:
        return read_requirements("r.txt", lambda path: files[path.replace(".", "_")]).text

    def test_circles_and_ways_out(self) -> None:
        assert self.read(r_txt="-r r.txt\na\n") == "a\n"
        with pytest.raises(EnvironmentBroken, match="outside"):
            self.read(r_txt="-r ../../etc/passwd\n")

    def test_an_option_is_not_a_package(self) -> None:
        found = read_requirements("r.txt", lambda path: "")
        for bad in ("--index-url=x", "-e .", "a\n-r b"):
            with pytest.raises(EnvironmentBroken):
                add_packages(found, (bad,))


class TestInstall:
    def test_a_dockerfile_that_was_approved(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        files = {"Dockerfile": f"FROM {workshop.image}\nENV MARK={uuid.uuid4().hex}\n"}
        where = repository(workshop, tmp_path, **files)
        plan = planned(environments, ticket(dockerfile="Dockerfile"), *where)
        tag = environments.ensure(plan, approved=True)
        try:
            result = workshop.sandboxes.run(
                workshop.spec("built", "id -u; cat train.py", image=tag)
            )
            assert result.stdout.startswith("10001\n")
        finally:
            workshop.sandboxes.client.remove_image(tag, force=True)

    def test_a_build_does_not_see_what_is_private(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        files = {"Dockerfile": f"FROM {workshop.image}\nCOPY . /seen\nENV M={uuid.uuid4().hex}\n"}
        where = repository(workshop, tmp_path, **files)
        plan = planned(environments, ticket(private=("eval*.py",), dockerfile="Dockerfile"), *where)
        assert "it does not see data/holdout.csv, eval*.py" in plan.description
        tag = environments.ensure(plan, approved=True)
        try:
            spec = workshop.spec("seen", "cd /seen; find . -type f | sort", image=tag)
            seen = workshop.sandboxes.run(spec).stdout.split()
            assert seen == ["./.gitignore", "./Dockerfile", "./data/train.csv", "./train.py"]
        finally:
            workshop.sandboxes.client.remove_image(tag, force=True)

    def test_several_tickets_at_once_install_once(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        mark = f"iniconfig!=0.{uuid.uuid4().int % 10**9}"
        where = repository(workshop, tmp_path, requirements__txt=f"{mark}\n")
        said: list[str] = []
        several = [
            Environments(workshop.sandboxes, workshop.repositories, say=said.append)
            for _ in range(3)
        ]
        plan = planned(environments, ticket(), *where)
        with ThreadPoolExecutor() as pool:
            tags = list(pool.map(lambda one: one.ensure(plan), several))
        try:
            assert len(set(tags)) == 1
            assert sum(text.startswith("Installing") for text in said) == 1
            assert workshop.sandboxes.list() == ()
        finally:
            workshop.sandboxes.client.remove_image(tags[0], force=True)

    def test_cut_off_installed_once_and_nothing_of_the_host_in_it(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        # A comment-free marker of its own keeps the image from being there already.
        mark = f"iniconfig!=0.{uuid.uuid4().int % 10**9}"
        where = repository(workshop, tmp_path, requirements__txt=f"{mark}\n")
        plan = planned(environments, ticket(), *where)
        home = workshop.sandboxes.home_id
        process = subprocess.Popen([sys.executable, "-c", CUT_OFF, home, plan.model_dump_json()])
        end = time.monotonic() + 120
        while not any(s.state == "running" for s in workshop.sandboxes.list()):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.kill()
        process.wait()
        tag = environments.ensure(plan)
        try:
            assert environments.ensure(plan) == tag
            found = workshop.sandboxes.client.inspect_image(tag)  # type: ignore[no-untyped-call]
            assert not any(found["Config"]["Labels"][mark] for mark in MARKS)
            script = (
                "which python; python -c 'import iniconfig'; env; ls -A /workspace /opt/env/.. /tmp"
            )
            result = workshop.sandboxes.run(workshop.spec("env", script, image=tag, workspace=None))
            assert result.stdout.startswith("/opt/env/bin/python\n")
            assert result.exit_code == 0, result.stderr
            for trace in ("ca.pem", "PIP_", "install.sh", "SSL_CERT"):
                assert trace not in result.stdout
            assert workshop.sandboxes.list() == ()
        finally:
            workshop.sandboxes.client.remove_image(tag, force=True)

    def test_what_can_not_be_installed_says_so(
        self, workshop: Workshop, environments: Environments, tmp_path: Path
    ) -> None:
        where = repository(workshop, tmp_path, requirements__txt="iniconfig==0.0.0.1\n")
        plan = planned(environments, ticket(), *where)
        with pytest.raises(EnvironmentBroken, match=r"No matching distribution"):
            environments.ensure(plan)
        assert workshop.sandboxes.list() == ()
