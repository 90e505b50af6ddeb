"""A draft's environment: what the repository states, its forgotten imports, never one twice."""

from agents.drafting.environment import first_environment, next_environment
from agents.drafting.packages import package_of
from labcrew.domain.draft import InstallTry
from labcrew.domain.survey import EnvironmentFile, Place, Requirement, Survey

PLACE = Place(path="requirements.txt", line=1, text="numpy==1.26")
SURVEY = Survey(
    files=3,
    environments=(EnvironmentFile(path="requirements.txt", kind="requirements"),),
    requirements=(Requirement(text="numpy==1.26", kind="requirements", place=PLACE),),
    imports={"numpy": PLACE, "sklearn": PLACE, "mine": PLACE},
    packages={"mine": "src/mine"},
)


def test_the_file_comes_first_with_what_it_forgot() -> None:
    step = first_environment(SURVEY, "2024-01-01", None)
    assert step is not None
    assert step.environment.requirements == "requirements.txt"
    assert step.environment.packages == ("scikit-learn",)
    assert step.variables["PYTHONPATH"] == "src"


def test_no_environment_is_tried_twice_and_the_ladder_ends() -> None:
    tries: list[InstallTry] = []
    while (step := next_environment(SURVEY, "2024-01-01", None, tries, ())) is not None:
        assert step.environment not in [t.environment for t in tries]
        tries.append(
            InstallTry(number=len(tries), environment=step.environment, because=step.because)
        )
    assert len(tries) == 2


def test_modules_that_are_called_otherwise() -> None:
    assert package_of("cv2") == "opencv-python-headless"
    assert package_of("google.protobuf") == "protobuf"
    assert package_of("rich") == "rich"
    assert package_of("cPickle") is None
