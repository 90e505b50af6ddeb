"""A draft's environment: what is stated, what is forgotten, what failures teach; none twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.environment import (
    MOST_TRIES,
    EnvironmentStep,
    first_environment,
    known_environment,
    next_environment,
)
from agents.drafting.packages import package_of
from labcrew.domain.draft import (
    Candidate,
    Draft,
    FirstRun,
    InstallTry,
    Knowledge,
    Trouble,
    TroubleKind,
)
from labcrew.domain.survey import (
    EntryPoint,
    EnvironmentFile,
    EnvironmentKind,
    Place,
    Requirement,
    Survey,
)
from labcrew.domain.ticket import Environment, Run, Settings
from labcrew.policy import decide
from labcrew.policy_facts import Call
from tests.facts import KnownFacts
from tests.tickets import make_assigned
from tools.install_failures import install_trouble

FACTS = KnownFacts(
    make_assigned(),
    known_draft=Draft(
        id="D-001", repository="/lab", base_commit="c" * 40, sentence="lower the loss",
        asked_by="ada", asked_at="2026-01-01T00:00:00+00:00",
    ),
)  # fmt: skip
DAY = "2022-03-01T00:00:00+00:00"
NO_VERSION = "ERROR: No matching distribution found for {}"
NOT_BUILT = "ERROR: Failed building wheel for {}"
CONFLICT = (
    "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting"
    " dependencies."
)


def survey(
    *stated: str,
    path: str = "requirements.txt",
    kind: EnvironmentKind = "requirements",
    imports: tuple[str, ...] = ("numpy", "sklearn"),
    entry: str = "train.py",
    python: str = "",
    rests_on: tuple[str, ...] = (),
    packages: dict[str, str] | None = None,
    more: tuple[Requirement, ...] = (),
    files: tuple[EnvironmentFile, ...] = (),
) -> Survey:
    """A repository with one file of requirements and one program."""
    own = tuple(
        Requirement(text=text, kind=kind, place=Place(path=path, line=number, text=text))
        for number, text in enumerate(stated, 1)
    )
    mine = (EnvironmentFile(path=path, kind=kind, python=python),) if stated else ()
    return Survey(
        files=3,
        entries=(
            EntryPoint(
                path=entry, kind="script", command=f"python {entry}", imports=imports,
                rests_on=rests_on,
            ),
        ),
        environments=(*mine, *files),
        requirements=(*own, *more),
        imports={module: Place(path=entry, line=1, text=f"import {module}") for module in imports},
        packages=packages or {},
    )  # fmt: skip


def first(read: Survey) -> EnvironmentStep:
    step = first_environment(read, DAY, read.entries[0])
    assert step is not None
    return step


def after(
    read: Survey, *logs: str, troubles: tuple[tuple[TroubleKind, str], ...] = ()
) -> list[EnvironmentStep]:
    """The steps: the first, one after each failed install, one after each failed first run."""
    steps = [first(read)]
    tries: list[InstallTry] = []
    runs: list[FirstRun] = []

    def go_on() -> bool:
        step = next_environment(read, DAY, read.entries[0], tries, runs)
        if step is not None:
            steps.append(step)
        return step is not None

    def tried(image: str, log: str = "") -> None:
        step, number = steps[-1], len(tries)
        trouble = install_trouble("pip failed", log) if not image else None
        tries.append(
            InstallTry(
                number=number, environment=step.environment, because=step.because, image=image,
                log=log, trouble=trouble,
            )
        )  # fmt: skip

    for log in logs:
        tried("", log)
        if not go_on():
            return steps
    for number, (kind, what) in enumerate(troubles):
        tried(f"image-{number}")
        trouble = Trouble(kind=kind, what=what, message="m")
        runs.append(FirstRun(id="r", command="c", image=f"image-{number}", trouble=trouble))
        if not go_on():
            return steps
    return steps


def missing(module: str) -> FirstRun:
    trouble = Trouble(kind="missing_module", what=module, message="m")
    return FirstRun(id="r", command="c", image="image", trouble=trouble)


def packages(step: EnvironmentStep) -> set[str]:
    return set(step.environment.packages)


class TestFirst:
    def test_the_file_comes_first_with_what_it_forgot(self) -> None:
        step = first(survey("numpy==1.26", "-e .", "tqdm"))
        assert step.environment == Environment(
            requirements="requirements.txt", packages=("scikit-learn",)
        )
        assert "scikit-learn" in step.because
        assert step.evidence[0].path == "requirements.txt"

    def test_what_is_forgotten_is_asked_for_as_elsewhere(self) -> None:
        extra = Requirement(
            text="scikit-learn>=1.1", kind="pyproject", group="train",
            place=Place(path="pyproject.toml"),
        )  # fmt: skip
        unused = extra.model_copy(update={"text": "torch", "group": "deep"})
        step = first(survey("numpy", more=(extra, unused)))
        assert step.environment.packages == ("scikit-learn>=1.1",)

    def test_a_module_that_setuptools_had_once(self) -> None:
        assert first(survey(imports=("pkg_resources",))).environment.packages == ("setuptools<81",)
        assert first(survey(imports=("setuptools",))).environment.packages == ("setuptools",)

    def test_the_nearest_file_counts(self) -> None:
        far = Requirement(text="numpy", kind="requirements", place=Place(path="requirements.txt"))
        root = EnvironmentFile(path="requirements.txt", kind="requirements")
        read = survey(
            "sklearn", "numpy", path="a/requirements.txt", entry="a/b/train.py", more=(far,),
            files=(root,),
        )  # fmt: skip
        step = first(read)
        assert step.environment == Environment(packages=("scikit-learn", "numpy"), alone=True)
        assert step.because.startswith("a/requirements.txt says")
        other = survey("numpy", path="b/requirements.txt", entry="a/train.py")
        assert first(other).environment == Environment(
            packages=("numpy", "scikit-learn"), alone=True
        )

    def test_files_for_developers_are_no_statement(self) -> None:
        step = first(survey("pytest", path="requirements-dev.txt"))
        assert step.environment.packages == ("numpy", "scikit-learn")

    def test_nothing_stated_and_nothing_imported(self) -> None:
        assert first(survey()).environment == Environment(
            packages=("numpy", "scikit-learn"), alone=True
        )
        assert first(survey(imports=())).environment == Environment()

    def test_a_project_file_gives_its_packages(self) -> None:
        read = survey(
            "numpy >= 1.20", "mine", path="pyproject.toml", kind="pyproject", python="<3.10",
            packages={"mine": "src/mine"}, rests_on=("src/mine/model.py",),
        )  # fmt: skip
        step = first(read)
        assert packages(step) == {"numpy>=1.20", "scikit-learn"}
        assert "Python <3.10" in step.because
        assert step.variables == {"PYTHONPATH": "/workspace/src"}

    def test_what_is_for_a_gpu_or_of_no_index_is_changed_and_told(self) -> None:
        read = survey(
            "torch==1.13.1+cu117", "tensorflow-gpu==2.4", "nvidia-cudnn-cu11", "jax[cuda12]",
            "x @ git+https://example.org/x", "--extra-index-url https://example.org",
        )  # fmt: skip
        step = first(read)
        assert packages(step) == {
            "torch==1.13.1", "tensorflow==2.4", "jax", "numpy", "scikit-learn",
        }  # fmt: skip
        assert "torch==1.13.1+cu117 becomes torch==1.13.1" in step.because
        assert "example.org" in step.because

    def test_conda_speaks_its_own_way(self) -> None:
        read = survey(
            "pytorch=1.9", "numpy=1.20.1=py38h5", "cudatoolkit=10.2", "scikit-learn",
            path="environment.yml", kind="conda",
        )  # fmt: skip
        assert packages(first(read)) == {"torch==1.9.*", "numpy==1.20.1", "scikit-learn"}

    def test_of_a_lock_the_programs_own_packages_count(self) -> None:
        read = survey("numpy==1.26.4", "pytest==8", path="poetry.lock", kind="lock")
        assert packages(first(read)) == {"numpy==1.26.4", "scikit-learn"}

    def test_a_program_in_a_folder_finds_the_package_at_the_root(self) -> None:
        read = survey(
            entry="scripts/train.py", packages={"mine": "mine"},
            rests_on=("mine/__init__.py", "mine/deep/model.py", "scripts/helper.py"),
        )  # fmt: skip
        assert first(read).variables == {"PYTHONPATH": "/workspace"}
        beside = survey(packages={"mine": "mine"}, rests_on=("mine/model.py", "helper.py"))
        assert first(beside).variables == {}


class TestFailures:
    def test_a_pin_that_there_is_not_is_loosened_to_its_time(self) -> None:
        log = NO_VERSION.format("numpy==1.18.0")
        steps = after(survey("numpy==1.18.0", "tqdm==4.1"), log)
        assert packages(steps[1]) == {"numpy<1.24", "tqdm==4.1", "scikit-learn"}
        assert steps[1].environment.alone
        assert "numpy" in steps[1].because

    def test_old_pins_go_together_and_many_are_not_tried_one_by_one(self) -> None:
        read = survey("numpy==1.18", "scipy==1.5", "pandas==1.5.3", "a==1", "b==1", "c==1")
        logs = [NOT_BUILT.format(name) for name in ("numpy", "a", "b")]
        steps = after(read, *logs)
        assert packages(steps[1]) == {
            "numpy<1.24", "scipy<1.10", "pandas==1.5.3", "a==1", "b==1", "c==1", "scikit-learn",
        }  # fmt: skip
        assert "scipy" in steps[1].because
        assert packages(steps[3]) == {
            "numpy<1.24", "scipy<1.10", "pandas<2", "a", "b", "c", "scikit-learn<1.2",
        }  # fmt: skip

    def test_a_name_that_the_index_has_not_is_left_out(self) -> None:
        steps = after(survey("numpy", "ownlib"), NO_VERSION.format("ownlib"))
        assert packages(steps[1]) == {"numpy", "scikit-learn"}

    def test_a_conflict_frees_every_version_then_the_imports_stand_alone(self) -> None:
        steps = after(survey("numpy==1.26", "a==1", "b==2"), CONFLICT, CONFLICT)
        assert packages(steps[1]) == {"numpy", "a", "b", "scikit-learn"}
        assert packages(steps[2]) == {"numpy", "scikit-learn"}

    def test_what_can_not_be_built(self) -> None:
        log = NOT_BUILT.format("slow")
        steps = after(survey("slow==1", "psycopg2==2.8", "numpy"), log, log)
        assert packages(steps[1]) == {"slow", "psycopg2==2.8", "numpy", "scikit-learn"}
        assert packages(steps[2]) == {"psycopg2==2.8", "numpy", "scikit-learn"}
        steps = after(survey("psycopg2==2.8", "numpy"), NOT_BUILT.format("psycopg2"))
        assert "psycopg2-binary==2.8" in packages(steps[1])
        hidden = after(survey("numpy==1.26", "old==1"), NOT_BUILT.format("llvmlite"))
        assert packages(hidden[1]) == {"numpy", "old", "scikit-learn"}

    def test_an_index_that_is_out_of_reach_is_not_tried_again(self) -> None:
        log = "WARNING: Retrying: Failed to establish a new connection"
        assert len(after(survey("numpy==1", "a"), log)) == 1


class TestRuns:
    def test_a_missing_module_is_added(self) -> None:
        steps = after(survey("numpy"), troubles=(("missing_module", "yaml"),))
        assert steps[1].environment == Environment(
            requirements="requirements.txt", packages=("scikit-learn", "pyyaml")
        )
        assert "yaml" in steps[1].because
        own = survey("numpy", packages={"mine": "src/mine"})
        assert len(after(own, troubles=(("missing_module", "mine.model"),))) == 1

    def test_a_module_that_no_package_brings_ends_it(self) -> None:
        read = survey("numpy")
        entry = read.entries[0]
        stood, runs = first(read), [missing("labs_own")]
        tries = [
            InstallTry(number=0, environment=stood.environment, because="b", image="image"),
        ]
        second = next_environment(read, DAY, entry, tries, runs)
        assert second is not None
        assert "labs_own" in second.environment.packages
        log = NO_VERSION.format("labs_own")
        tries.append(InstallTry(number=1, environment=second.environment, because="b", log=log))
        assert next_environment(read, DAY, entry, tries, runs) is None
        assert next_environment(read, DAY, entry, tries[:1], [missing("a")]) is None

    def test_newer_versions_that_break_it_give_way_to_those_of_its_time(self) -> None:
        steps = after(survey("scikit-learn", "torch>=1"), troubles=(("version", "numpy"),))
        assert steps[1].environment.packages == (
            "scikit-learn<1.2", "torch>=1", "numpy<1.24",
        )  # fmt: skip
        assert "older versions" in steps[1].because
        large = after(survey("torch"), troubles=(("missing_module", "torch._six"),))
        assert "torch<2" in packages(large[1])
        assert len(after(survey("numpy==1.26"), troubles=(("version", "numpy"),))) == 2

    def test_a_window_system_that_is_missing(self) -> None:
        read = survey("opencv-python==4.5", imports=("cv2",))
        steps = after(read, troubles=(("missing_library", "libGL.so.1"),))
        assert packages(steps[1]) == {"opencv-python-headless==4.5"}
        assert len(after(read, troubles=(("missing_library", "libfoo.so"),))) == 1

    def test_a_dockerfile_comes_last_and_needs_a_person(self) -> None:
        docker = EnvironmentFile(path="Dockerfile", kind="dockerfile")
        read = survey("numpy", files=(docker,))
        steps = after(read, troubles=(("missing_library", "libfoo.so"), ("version", "x")))
        assert steps[1].environment == Environment(dockerfile="Dockerfile")
        assert steps[1].needs_approval


def test_what_is_known_is_taken_as_it_was() -> None:
    attempt = InstallTry(
        number=2, environment=Environment(packages=("numpy",)), because="b", variables={"A": "b"}
    )
    known = Knowledge(
        id="k", draft="D-001", repository="/lab", commit="c" * 40, files={}, environment=attempt,
        candidate=Candidate(
            entry="t.py", run=Run(command="python t.py"), settings=Settings(), because="b"
        ),
        learnt_at=DAY,
    )  # fmt: skip
    step = known_environment(known)
    assert (step.environment, step.variables) == (attempt.environment, {"A": "b"})
    assert "D-001" in step.because


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("cv2", "opencv-python-headless"),
        ("google.protobuf", "protobuf"),
        ("rich", "rich"),
        ("cPickle", None),
    ],
)
def test_modules_that_are_called_otherwise(module: str, package: str | None) -> None:
    assert package_of(module) == package


LOG = st.sampled_from(
    [NO_VERSION.format(n) for n in ("numpy==1", "x", "sklearn")]
    + [NOT_BUILT.format(n) for n in ("numpy", "deep", "scikit-learn")]
    + [CONFLICT, "", "ERROR: Invalid requirement: 'x=1'", "ERROR: odd"]
)
TEXT = st.text(max_size=30) | st.sampled_from(["numpy==1", "x>=2; python_version<'3'", "-e ."])


@given(st.lists(TEXT, max_size=5), st.lists(LOG, min_size=8, max_size=8), st.lists(TEXT))
def test_the_ladder_ends_repeats_nothing_and_keeps_to_the_policy(
    stated: list[str], logs: list[str], modules: list[str]
) -> None:
    """Whatever a file says, every step is one that the policy table lets be installed."""
    named = tuple(module for module in modules if module.strip())
    steps = after(survey(*[s for s in stated if s], imports=named), *logs)
    environments = [step.environment for step in steps]
    assert len(steps) <= MOST_TRIES
    assert all(e not in environments[:i] for i, e in enumerate(environments))
    for step in steps:
        assert step.because.endswith(".")
        arguments = {
            "number": 0, "environment": step.environment.model_dump(mode="json"), "because": "b",
            "variables": step.variables,
        }  # fmt: skip
        call = Call("experiment_launcher", "install_environment", arguments, FACTS)
        assert decide(call).verdict == "allowed"
