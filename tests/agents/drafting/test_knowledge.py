"""What was learnt of a repository lapses with any file that it rests on."""

from agents.drafting.knowledge import changed, knowledge_id, rests_on
from labcrew.domain.draft import Candidate, InstallTry, Knowledge
from labcrew.domain.running import Environment, Run, Settings
from labcrew.domain.survey import DataFile, EntryPoint, EnvironmentFile, Survey


def known(**files: str) -> Knowledge:
    return Knowledge(
        id=knowledge_id("/lab", "train.py"),
        draft="D-001",
        repository="/lab",
        commit="c" * 40,
        files=files,
        environment=InstallTry(number=0, environment=Environment(), because="so", image="i"),
        candidate=Candidate(
            entry="train.py", run=Run(command="python train.py"), settings=Settings(), because="so"
        ),
        learnt_at="2026-01-01T00:00:00+00:00",
    )


def test_a_program_rests_on_its_files_settings_software_and_data() -> None:
    entry = EntryPoint(
        path="train.py",
        kind="script",
        command="python train.py",
        configs=("conf.yaml",),
        rests_on=tuple(f"lab/m{n}.py" for n in range(500)),
    )
    survey = Survey(
        files=9,
        environments=(EnvironmentFile(path="requirements.txt", kind="requirements"),),
        data=(DataFile(path="train.csv", size_bytes=9),),
    )
    paths = rests_on(survey, entry)
    assert {"train.py", "requirements.txt", "conf.yaml", "train.csv", "lab/m0.py"} <= set(paths)


def test_it_lapses_with_a_file_that_changed_came_or_went() -> None:
    learnt = known(a="1", b="2")
    assert changed(learnt, {"a": "1", "b": "2"}) == ()
    assert changed(learnt, {"a": "1", "b": "3"}) == ("b",)
    assert changed(learnt, {"a": "1"}) == ("b",)
    assert changed(learnt, {"a": "1", "b": "2", "c": "4"}) == ("c",)
