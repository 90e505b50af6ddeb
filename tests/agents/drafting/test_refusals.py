"""One clear message for each repository of which no ticket can be made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.refusals import refusal
from labcrew.domain.draft import Candidate, InstallTry, Trouble, TroubleKind
from labcrew.domain.running import Environment, Run, Settings
from labcrew.domain.survey import (
    DataFile,
    EntryPoint,
    Place,
    Stated,
    Survey,
    Trait,
    TraitKind,
    Unread,
)
from labcrew.plain_text import is_plain


def _entry(path: str = "train.py", *traits: tuple[TraitKind, str]) -> EntryPoint:
    return EntryPoint(
        path=path,
        kind="script",
        command=f"python {path}",
        traits=tuple(
            Trait(kind=kind, what=what, place=Place(path=path, line=number))
            for number, (kind, what) in enumerate(traits, 1)
        ),
    )


def _candidate(path: str = "train.py") -> Candidate:
    return Candidate(
        entry=path, run=Run(command=f"python {path}"), settings=Settings(), because="it is stated"
    )


def _survey(*entries: EntryPoint, **fields: object) -> Survey:
    return Survey.model_validate(
        {"files": 12, "languages": {".py": 9, ".md": 1}, "entries": entries, **fields}
    )


def _trouble(kind: TroubleKind, what: str, message: str, supply: str = "") -> Trouble:
    return Trouble(
        kind=kind,
        what=what,
        message=message,
        supply=supply,
        evidence=(Place(path="", text=f"the line about {what}"),),
    )


def _try(number: int, *log: str, message: str = "no version of nosuch 9") -> InstallTry:
    return InstallTry(
        number=number,
        environment=Environment(),
        because="requirements.txt",
        trouble=_trouble("version", "nosuch", message, "Name a version that there is."),
        log="\n".join(log),
    )


def test_no_entry_point() -> None:
    survey = _survey(
        packages={"physics": "src/physics"},
        stated=(Stated(command="python gone.py", place=Place(path="README.md", line=4)),),
        unread=(Unread(path="odd.py", reason="it is no Python: line 3"),),
    )
    told = refusal(survey, (), ())
    assert (told.kind, told.what) == ("arguments", "no entry point")
    for shown in (
        "12 files (9 .py, 1 .md)",
        "physics",
        "python gone.py",
        "odd.py (it is no Python: line 3)",
    ):
        assert shown in told.message
    assert "README" in told.supply
    assert str(told.evidence[0]) == "README.md:4"


@pytest.mark.parametrize(
    ("kind", "trait", "what", "shown", "supply"),
    [
        ("download", "downloads", "data.example/mnist.gz", "downloads: data.example", "`hosts`"),
        ("accelerator", "accelerator", "cuda:0", "accelerator: cuda:0", "CPU"),
        ("secret", "secret", "API_TOKEN", "secret: API_TOKEN", "no secrets"),
        ("asks", "asks", "input('name?')", "input: input('name?')", "asks nothing"),
    ],
)
def test_what_reading_shows_of_the_trouble_is_told_too(
    kind: TroubleKind, trait: TraitKind, what: str, shown: str, supply: str
) -> None:
    survey = _survey(_entry("train.py", (trait, what), (trait, what), ("logs", "log.txt")))
    told = refusal(survey, [(_candidate(), _trouble(kind, "x", "It can't"))], ())
    assert told.kind == kind
    assert "`python train.py`: It can't." in told.message
    assert shown in told.message
    assert told.message.count(what) == 1
    assert supply in told.supply
    assert {str(place) for place in told.evidence} == {"the line about x", "train.py:1"}


@pytest.mark.parametrize(
    ("kind", "message", "supply"),
    [
        ("time", "It was stopped after 180 s, and had shown no number until then.", "that ends"),
        ("no_number", "It ended well but printed no number by a name.", "val_loss=0.5"),
        ("memory", "It ran out of memory.", "smaller"),
        ("arguments", "It needs arguments: --data.", "whole command"),
        ("crash", "It ended with code 1: ZeroDivisionError", "another command"),
    ],
)
def test_a_run_that_did_not_do(kind: TroubleKind, message: str, supply: str) -> None:
    told = refusal(_survey(_entry()), [(_candidate(), _trouble(kind, "x", message))], ())
    assert message in told.message
    assert supply in told.supply
    assert "1 that can be run: train.py" in told.message


def test_missing_data_names_the_data_that_is_there() -> None:
    survey = _survey(_entry(), data=(DataFile(path="data/other.csv", size_bytes=3),))
    trouble = _trouble("missing_file", "data/train.csv", "There is no file data/train.csv.")
    told = refusal(survey, [(_candidate(), trouble)], ())
    assert "There is no file data/train.csv." in told.message
    assert "Data that is there: data/other.csv." in told.message
    assert "Commit the file" in told.supply


def test_an_install_that_can_not_succeed_shows_the_installers_last_lines() -> None:
    tries = [
        _try(0, "ERROR: first"),
        _try(1, "old", "a", "b", "", "c", "ERROR: No matching nosuch"),
    ]
    told = refusal(_survey(_entry()), (), tries)
    assert "2 attempts" in told.message
    assert "no version of nosuch 9." in told.message
    assert "ERROR: No matching nosuch" in told.message
    assert "old" not in told.message
    assert told.supply.startswith("Name a version that there is.")

    trouble = tries[-1].trouble
    assert trouble is not None
    of_command = refusal(_survey(_entry()), [(_candidate(), trouble)], tries)
    assert "Its environment could not be installed." in of_command.message
    assert "ERROR: No matching nosuch" in of_command.message


def test_several_projects_are_named() -> None:
    survey = _survey(_entry("a/train.py"), _entry("b/main.py"), projects=("", "a", "b"))
    failures = [
        (_candidate("a/train.py"), _trouble("crash", "x", "It ended with code 1: boom")),
        (_candidate("b/main.py"), _trouble("time", "y", "It was stopped after 180 s.")),
    ]
    told = refusal(survey, failures, ())
    assert "2 projects (a, b): name one in the sentence" in told.supply
    assert "2 projects" in refusal(survey, (), ()).supply
    assert "projects" not in refusal(_survey(_entry(), projects=("", "a")), (), ()).supply


def test_every_command_that_was_tried_is_told_with_what_became_of_it() -> None:
    failures = [
        (_candidate(f"run{number}.py"), _trouble("crash", "x", f"It ended with code {number}"))
        for number in range(7)
    ]
    told = refusal(_survey(*(_entry(f"run{number}.py") for number in range(7))), failures, ())
    assert told.message.index("`python run0.py`") < told.message.index("Tried as well")
    for number in range(5):
        assert f"`python run{number}.py`: It ended with code {number}" in told.message
    assert "and 2 more" in told.message


def test_a_repository_too_large_to_read_says_what_was_left_out() -> None:
    survey = Survey(files=100_000, cut=("100000 files: the 80000 deepest are unread",))
    told = refusal(survey, (), ())
    assert "Found 100,000 files" in told.message
    assert "Not all was read: 100000 files: the 80000 deepest are unread." in told.message


@given(
    st.text(min_size=1, max_size=400),
    st.text(max_size=400),
    st.lists(st.text(max_size=80), max_size=8),
    st.sampled_from(["download", "crash", "missing_file", "version"]),
)
def test_whatever_a_repository_holds_the_message_is_plain_and_short(
    name: str, text: str, lines: list[str], kind: TroubleKind
) -> None:
    cut = name[:300]
    survey = Survey(
        files=3,
        entries=(_entry(name, ("downloads", cut)),),
        data=(DataFile(path=name, size_bytes=1),),
        unread=(Unread(path=name, reason=cut),),
        projects=(name, "b", "c"),
        cut=tuple(lines),
    )
    trouble = Trouble(kind=kind, what=cut, message=text, supply=text)
    tries = [
        InstallTry(
            number=0,
            environment=Environment(),
            because=text,
            trouble=trouble,
            log="\n".join(lines),
        )
    ]
    candidate = Candidate(
        entry=name, run=Run(command=name), settings=Settings(), because="it is there"
    )
    for told in (
        refusal(survey, [(candidate, trouble)] * 3, ()),
        refusal(survey, [(candidate, trouble)], tries),
        refusal(survey, (), tries),
        refusal(survey, (), ()),
    ):
        assert is_plain(told.message, "\n")
        assert is_plain(told.supply)
        assert told.supply
