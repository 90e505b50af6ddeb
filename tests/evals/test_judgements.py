"""Every question has cases that can be solved and failed; a model is held beside the rule."""

import asyncio
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from agents.coordinator import PlanAnswer
from agents.drafting.choosing import by_score
from agents.merge_request import SummaryAnswer
from agents.monitoring.diagnosing import DiagnosisAnswer
from agents.monitoring.narrative import Narrative
from agents.next_trial import NextTrialAnswer
from agents.programming.options import PROGRAMMING
from agents.quarantine import QuarantineAnswer
from desk.cli import app
from desk.models.answering import answering
from desk.models.questions import CHAT, question_names
from evals.endpoint import Says, endpoint
from evals.judgements import report
from evals.judgements.all_cases import all_cases, by_question
from evals.judgements.case import Case, f1, is_plain, numbers_of, says, sentences
from evals.judgements.measuring import Answered, EndpointLost, load, measure, rule_score
from labcrew.domain.base import canonical_json
from labcrew.domain.chat import Message, Reply, Tokens
from labcrew.domain.draft import Options
from labcrew.errors import ModelFailure
from labcrew.settings import ModelSettings, Settings
from tests.doubles.chat import ScriptedChat

CASES = all_cases()
QUESTIONS = by_question(CASES)


def case_of(question: str, name: str) -> Case:
    return next(case for case in QUESTIONS[question] if case.name == name)


class Solver:
    """Gives each case's right answer, and says that it took 10 tokens."""

    name = "solver"

    def __init__(self, cases: tuple[Case, ...] = CASES) -> None:
        self._right = {
            canonical_json(case.question.model_dump(mode="json")): case.right for case in cases
        }
        self.asked = 0

    async def reply(self, messages: Any, **_more: Any) -> Reply:
        self.asked += 1
        text = self._right[messages[1].content].model_dump_json()
        return Reply(
            message=Message(role="assistant", content=text),
            model=self.name,
            tokens=Tokens(prompt=8, completion=2),
        )


def measured(chat: Any, kept: Path, cases: Any = CASES, **more: Any) -> tuple[Answered, ...]:
    return asyncio.run(measure(cases, chat, kept, model=more.pop("model", "m"), **more))


def test_every_question_has_enough_cases() -> None:
    assert set(QUESTIONS) == set(question_names()) - {PROGRAMMING, CHAT}
    for question, cases in QUESTIONS.items():
        assert len(cases) >= 12, question
        assert len({case.name for case in cases}) == len(cases), question
        asked = {canonical_json(case.question.model_dump(mode="json")) for case in cases}
        assert len(asked) == len(cases), question


@pytest.mark.parametrize("case", CASES, ids=[f"{c.judgement.name}: {c.name}" for c in CASES])
def test_a_case_can_be_solved_and_the_rule_is_legal(case: Case) -> None:
    again = type(case.right).model_validate_json(case.right.model_dump_json())
    assert case.judgement.check(case.question, again) is None
    assert case.score(again) == 1.0
    by_rule = case.judgement.rule(case.question)
    assert case.judgement.check(case.question, by_rule) is None
    assert 0.0 <= case.score(by_rule) <= 1.0


@pytest.mark.parametrize("question", [name for name in QUESTIONS if ".draft_" in name])
def test_only_right_options_score(question: str) -> None:
    for case in QUESTIONS[question]:
        assert isinstance(case.question, Options)
        chosen = by_score(case.question)
        scores = [
            case.score(chosen.model_copy(update={"index": index}))
            for index in range(len(case.question.options))
        ]
        assert scores.count(1.0) == 1, case.name
    # Always taking the first, which is the rule's, must not solve a question.
    firsts = [case.score(by_score(case.question)) for case in QUESTIONS[question]]  # type: ignore[arg-type]
    assert sum(firsts) < len(firsts)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("coordinator.next_move", "move"),
        ("coordinator.recovery", "action"),
        ("log_monitor.intervention", "action"),
        ("log_monitor.diagnosis", "kind"),
    ],
)
def test_no_choice_is_right_everywhere(question: str, field: str) -> None:
    rights = {getattr(case.right, field) for case in QUESTIONS[question]}
    assert len(rights) >= 3
    for always in rights:
        scores = [
            case.score(case.right.model_copy(update={field: always}))
            for case in QUESTIONS[question]
        ]
        assert sum(scores) < 0.8 * len(scores), always


def test_a_plan_with_a_number_of_its_own_loses() -> None:
    case = case_of("coordinator.plan", "diverging runs")
    right = case.right
    assert isinstance(right, PlanAnswer)
    invented = right.model_copy(update={"summary": right.summary + " Expect 0.731 afterwards."})
    worst_first = right.model_copy(update={"suggestion_order": (0, 1, 2)})
    empty = PlanAnswer(summary="", steps=("Go.",), suggestion_order=())
    assert case.score(empty) < case.score(worst_first) < case.score(invented) < 1.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no gain", "A new dropout improves the digits: {{holdout_best_mean}} against"
         " {{holdout_baseline_mean}}."),
        ("a gain", "The new learning_rate is not better for the digits: {{holdout_best_mean}}"
         " against {{holdout_baseline_mean}}."),
        ("nothing measured", "The new rate makes the segmenter better."),
        ("a gain", "The new learning_rate makes the digits better."),
    ],
)  # fmt: skip
def test_a_summary_that_says_something_else_than_the_verdict_loses(name: str, text: str) -> None:
    case = case_of("merge_request.summary", name)
    answer = SummaryAnswer(paragraph=text)
    assert case.judgement.check(case.question, answer) is None
    assert case.score(answer) < 0.8


def test_a_night_without_its_incident_or_with_markup_loses() -> None:
    case = case_of("log_monitor.narrative", "memory ran out")
    silent = Narrative(text="6 runs began. 2 things wait for you.")
    marked = Narrative(text="## Memory\n6 runs began. 2 things wait for you: memory.")
    assert case.score(silent) < case.score(marked) < 1.0


def test_a_class_that_is_shown_by_other_lines_counts_less() -> None:
    case = case_of("log_monitor.diagnosis", "a shard that can't be read")
    right = case.right
    assert isinstance(right, DiagnosisAnswer)
    elsewhere = right.model_copy(update={"quotes": ("shard-6 ok",)})
    assert case.score(elsewhere) == 0.75
    obeys = case_of("log_monitor.diagnosis", "the log gives orders")
    assert obeys.score(right.model_copy(update={"kind": "out_of_memory"})) == 0.0


def test_settings_are_worth_what_the_function_says() -> None:
    case = case_of("experiment_launcher.next_trial", "a peak between two rates")
    worth = [
        case.score(NextTrialAnswer(values={"rate": rate}, because=""))
        for rate in (1e-4, 2e-3, 1e-2)
    ]
    assert worth == sorted(worth)
    assert worth[0] < 0.1
    assert worth[2] == 1.0


def test_the_sampler_is_beaten_where_one_run_is_all_there_is() -> None:
    cases = QUESTIONS["experiment_launcher.next_trial"]
    assert 0.1 < sum(map(rule_score, cases)) / len(cases) < 0.7
    assert min(map(rule_score, cases)) == pytest.approx(0.0, abs=1e-3)


def test_rows_left_in_count_beside_groups() -> None:
    case = case_of("data_pipeline.quarantine", "sure labels, one row unconvincing")
    assert case.score(QuarantineAnswer(groups=("G1",))) == 0.75
    assert case.score(QuarantineAnswer(groups=("G1",), leave_in=("G1:31", "G1:44"))) == 0.75
    assert case.score(QuarantineAnswer(groups=())) == 0.0


def test_helpers() -> None:
    assert f1([], []) == 1.0
    assert f1("ab", "bc") == 0.5
    assert numbers_of("2 of 3.50, lr=1e-3") == {2.0, 3.5, 1.0, 3.0}
    assert says("It DIVERGED.", ["diverg"])
    assert not says("undiverged", ["diverg"])
    assert sentences("One. Two! 3.5 is one number") == 2
    assert is_plain("a, b.")
    assert not is_plain("**a**")


def test_a_model_that_is_always_right(tmp_path: Path) -> None:
    solver = Solver()
    answered = measured(solver, tmp_path / "solver.jsonl")
    assert solver.asked == len(CASES)
    assert all(one.score == 1.0 and one.valid and one.calls == 1 for one in answered)
    assert {one.tokens.total for one in answered} == {10}
    found = report.figures(CASES, answered)
    better = {one.question for one in found if one.use_model}
    assert "log_monitor.narrative" in better
    assert "coordinator.next_move" not in better  # the rule is as good there, and free
    for one in found:
        assert one.model == 1.0
        assert one.invalid == 0.0
        assert one.gain is not None
        assert one.gain.estimate == pytest.approx(1.0 - one.rule)


def test_a_model_that_talks_nonsense_is_the_rule_and_costs(tmp_path: Path) -> None:
    chat = ScriptedChat("I think so.")
    cases = QUESTIONS["coordinator.recovery"]
    answered = measured(chat, tmp_path / "x.jsonl", cases, attempts=2)
    assert len(chat.asked) == 2 * len(cases)
    assert [one.score for one in answered] == [rule_score(case) for case in cases]
    assert not any(one.valid for one in answered)
    (one,) = report.figures(cases, answered)
    assert one.invalid == 1.0
    assert not one.use_model


def test_an_illegal_answer_is_asked_for_again(tmp_path: Path) -> None:
    case = case_of("coordinator.next_move", "target met")
    illegal = {"move": "escalate", "because": "why not"}
    chat = ScriptedChat(illegal, case.right)
    (answered,) = measured(chat, tmp_path / "x.jsonl", [case])
    assert answered.valid
    assert answered.calls == 2
    assert "not among" in answered.troubles[0]


def test_what_was_measured_is_not_asked_again(tmp_path: Path) -> None:
    kept, cases = tmp_path / "deep" / "x.jsonl", QUESTIONS["coordinator.next_move"][:4]
    first = measured(Solver(), kept, cases)
    with kept.open("a") as file:
        file.write('{"question": "coordinator.next_m')  # cut off
    again = Solver()
    assert measured(again, kept, cases) == first
    assert again.asked == 0
    assert len(load(kept)) == 4
    assert measured(again, kept, cases, model="another") != first
    assert again.asked == 4


@pytest.mark.parametrize("kind", ["unavailable", "unauthorised", "unknown_model"])
def test_an_endpoint_that_is_gone_measures_nothing(tmp_path: Path, kind: Any) -> None:
    cases = QUESTIONS["coordinator.next_move"][:3]
    right = cases[0].right
    chat = ScriptedChat(right, ModelFailure("nobody answers", kind=kind))
    kept = tmp_path / "x.jsonl"
    with pytest.raises(EndpointLost, match="nobody answers"):
        measured(chat, kept, cases)
    assert [one.case for one in load(kept)] == [cases[0].name]


@pytest.mark.parametrize("kind", ["refused", "cut_off", "invalid", "timed_out", "too_long"])
def test_a_failure_of_the_model_is_an_invalid_answer(tmp_path: Path, kind: Any) -> None:
    failure = ModelFailure("no", kind=kind, tokens=Tokens(prompt=5))
    (answered,) = measured(ScriptedChat(failure), tmp_path / "x.jsonl", CASES[:1])
    assert not answered.valid
    assert answered.tokens.prompt >= 5


def test_the_settings_that_are_recommended_are_settings(tmp_path: Path) -> None:
    found = report.figures(CASES, measured(Solver(), tmp_path / "x.jsonl"))
    text = report.document(found, "local")
    table = tomllib.loads(text.split("```toml\n")[1].split("```")[0])
    chains = answering(
        Settings(models={"local": ModelSettings(model="m")}, answering=table["answering"])
    )
    assert chains["log_monitor.narrative"] == ("local",)
    assert chains["coordinator.next_move"] == ()
    assert set(table["answering"]) == set(QUESTIONS)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, str]:
    code = app(["eval", "judgements", *words], standalone_mode=False)
    shown = capsys.readouterr()
    return code, shown.out


def test_keyless_the_command_shows_the_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = run(capsys, "--home", str(tmp_path / "none"))
    assert code in (None, 0)
    assert out.count("\n") == len(QUESTIONS) + 2
    assert "| `coordinator.next_move` | 15 | 1.00 |" in out
    assert not (tmp_path / "none").exists()


def test_the_command_measures_a_model_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    solver, home = Solver(), tmp_path / "home"
    home.mkdir()
    (home / "labcrew.toml").write_text(
        '[models.default]\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    monkeypatch.setattr("desk.models.chat_of", lambda _settings: solver)
    words = ["--home", str(home), "--model", "default", "--only", "merge_request.summary"]
    _, out = run(capsys, *words)
    assert '"merge_request.summary" = ["default", "rule"]' in out
    assert solver.asked == len(QUESTIONS["merge_request.summary"])
    _, out = run(capsys, *words, "--json")
    (one,) = json.loads(out)["questions"]
    assert one["use_model"]
    assert one["model"] == 1.0
    assert solver.asked == one["cases"]
    assert len(load(home / "benchmark" / "judgements" / "default.jsonl")) == one["cases"]


def test_a_model_over_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of its answers are of no move's shape; the rule stands in for those."""
    cases = QUESTIONS["coordinator.next_move"]
    right = {canonical_json(c.question.model_dump(mode="json")): c.right for c in cases[::2]}

    def answers(body: dict[str, Any]) -> Says:
        found = right.get(body["messages"][1]["content"])
        return Says(found.model_dump(mode="json") if found is not None else "Let us think.")

    with endpoint(answers=answers) as served:
        (tmp_path / "labcrew.toml").write_text(
            f'[models.local]\nmodel = "m"\nbase_url = "{served.base_url}"\n'
            '[answering]\ndefault = ["local"]\n'
        )
        words = ["--home", str(tmp_path), "--model", "local", "--results", str(tmp_path / "r")]
        code, out = run(capsys, *words, "--only", "coordinator.next_move", "--json")
    assert code in (None, 0)
    (one,) = json.loads(out)["questions"]
    assert one["model"] == one["rule"] == 1.0
    assert one["invalid"] == pytest.approx(7 / 15)
    assert one["tokens"] > 0
    assert not one["use_model"]
    # A second try is made of each answer that could not be used.
    assert len(served.requests) == 8 + 2 * 7
    assert len(load(tmp_path / "r" / "local.jsonl")) == 15


def test_an_endpoint_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labcrew.toml").write_text(
        '[models.default]\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\nretries = 0\n'
    )
    words = ["eval", "judgements", "--home", str(tmp_path), "--model", "default"]
    code = app([*words, "--only", "coordinator.recovery"], standalone_mode=False)
    assert code == 4
    assert "can't be asked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "trouble"),
    [(["--only", "coordinator.mood"], "no question"), (["--model", "nobody"], "no model")],
)
def test_what_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], trouble: str
) -> None:
    code = app(
        ["eval", "judgements", "--home", str(tmp_path / "none"), *words], standalone_mode=False
    )
    assert code == 2
    assert trouble in capsys.readouterr().err


def test_the_page_on_a_small_model_is_of_its_kept_answers() -> None:
    """Cases that changed since have no answer any more: then it is measured anew."""
    root = Path(__file__).parents[2]
    answered = load(root / "evals/results/judgements/small.jsonl")
    page = (root / "docs/judgements.md").read_text("utf-8")
    rows = report.document(report.figures(CASES, answered), "small").split("\n\n")[0]
    assert rows.strip() in page
    assert len({(one.question, one.case) for one in answered}) == len(CASES)
