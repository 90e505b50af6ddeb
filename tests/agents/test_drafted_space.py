"""The search space of a draft: bounds by kind, and what is never tuned."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.parameter_kinds import KINDS
from agents.drafting.space import SpaceDraft, budget, search_space
from labcrew.domain.draft import Noise
from labcrew.domain.running import Settings
from labcrew.domain.search_space import condition_problems, legal
from labcrew.domain.survey import EntryPoint, Place, Setting, Survey


def setting(name: str, default: Any, mechanism: Any = "argparse", **more: Any) -> Setting:
    kinds = {bool: "bool", int: "int", float: "float", str: "text"}
    made = {
        "name": name, "mechanism": mechanism, "type": kinds.get(type(default), "unknown"),
        "default": default, "place": Place(path="train.py", line=1),
        "spelling": f"--{name}" if mechanism == "argparse" else "",
    }  # fmt: skip
    return Setting.model_validate(made | more)


def drafted(*settings: Setting, style: Any = "arguments", **more: Any) -> SpaceDraft:
    entry = EntryPoint(path="train.py", kind="script", command="python train.py", settings=settings)
    how = Settings(style=style, file="train.py" if style == "source" else None)
    asked: dict[str, Any] = {"sentence": "lower the loss", "trials": 20} | more
    return search_space(Survey(files=1), entry, how, **asked)


def test_options_get_bounds_by_their_kind_and_the_rest_a_reason() -> None:
    made = drafted(
        setting("lr", 0.01), setting("weight_decay", 0.0), setting("batch_size", 32),
        setting("dropout", 0.1), setting("seed", 1), setting("epochs", 5),
        setting("num_workers", 2), setting("data_dir", "data"), setting("test_size", 0.2),
        setting("optimizer", "sgd", choices=("sgd", "adam")), setting("momentum", 0.9),
    )  # fmt: skip
    assert set(made.space) == {
        "lr", "weight_decay", "batch_size", "dropout", "optimizer", "momentum",
    }  # fmt: skip
    lr, decay = made.space["lr"], made.space["weight_decay"]
    assert lr.type == "float"
    assert lr.log
    assert lr.role == "learning_rate"
    assert (decay.type, decay.low, decay.high) == ("float", 1e-6, 1e-2)  # type: ignore[union-attr]
    assert made.space["momentum"].when == {"optimizer": ("sgd",)}
    assert condition_problems(made.space) == []
    assert made.left_out["epochs"] == "more compute is no fair gain"
    assert set(made.left_out) == {"seed", "epochs", "num_workers", "data_dir", "test_size"}
    assert {guess.field for guess in made.guesses} == {f"search_space.{n}" for n in made.space}


def test_of_the_code_only_what_learns_is_tuned() -> None:
    made = drafted(
        setting("plot.alpha", 0.5, "keyword", owner="plot"),
        setting("make_moons.noise", 0.3, "keyword", owner="make_moons"),
        setting("MLPClassifier.alpha", 1e-4, "keyword", owner="MLPClassifier"),
        setting("MLPClassifier.random_state", 1, "keyword", owner="MLPClassifier"),
        setting("DecisionBoundaryDisplay.alpha", 0.4, "keyword", owner="DecisionBoundaryDisplay"),
        style="source",
    )
    assert set(made.space) == {"MLPClassifier.alpha"}
    assert "plot()" in made.left_out["plot.alpha"]


def test_few_trials_leave_room_for_few_and_the_sentence_comes_first() -> None:
    settings = [setting("lr", 0.1), setting("dropout", 0.1), setting("hidden", 64)]
    made = drafted(*settings, trials=6, sentence="tune hidden for a lower loss")
    assert set(made.space) == {"hidden", "lr"}
    assert "kept at its default" in made.left_out["dropout"]


@given(
    st.sampled_from(KINDS),
    st.none() | st.integers(-5, 10**6) | st.floats(),
    st.booleans(),
)
def test_bounds_hold_the_default(kind: Any, default: Any, whole: bool) -> None:
    made = kind.make(default, whole)
    if made is not None and default:
        parameter = made[0]
        wide = parameter.type != "choice" and parameter.low <= default <= parameter.high
        assert wide or default < 1e-12 or legal(parameter, int(default))


def test_a_program_that_seeds_do_not_change_has_one_seed() -> None:
    noise = Noise(
        metric="loss", same_seed=(1, 1), other_seeds=(1, 1), deterministic=True,
        seeds_matter=False, std=0, run_s=2,
    )  # fmt: skip
    made, seeds, timeout_s, stall_s = budget(2.0, noise, 12, None, 900)
    assert (made.trials, seeds, timeout_s, stall_s) == (12, (0,), 300.0, 300.0)
    assert made.memory_mb == 2048
    assert budget(100.0, None)[1] == (0, 1, 2)


def test_a_trial_may_last_six_times_the_longest_run_that_was_seen() -> None:
    noise = Noise(
        metric="loss", same_seed=(1, 1), other_seeds=(2, 1), deterministic=True,
        seeds_matter=True, std=1, run_s=70, longest_s=200,
    )  # fmt: skip
    assert budget(70.0, noise)[2:] == (1200.0, 600.0)
    assert budget(70.0, None)[2:] == (420.0, 420.0)


def test_an_explanation_names_the_kind_where_the_name_does_not() -> None:
    made = drafted(setting("rate", 0.01, help="learning rate (default: 0.01)"))
    assert made.space["rate"].role == "learning_rate"
    told = setting("decay", 0, "help", help="Weight decay, usually small.", spelling="--decay")
    assert drafted(told).space["decay"].type == "float"


def test_numbers_without_a_telling_name_fill_a_space_that_would_be_empty() -> None:
    made = drafted(
        setting("SHARPNESS", 0.05, "constant"),
        setting("N_STUMPS", 40, "constant"),
        setting("TEST_DAYS", 200, "constant"),
        setting("arrow.head_width", 0.01, "keyword", owner="arrow"),
        setting("evolve.pressure", 3, "keyword", owner="evolve"),
        style="source",
    )
    assert set(made.space) == {"SHARPNESS", "N_STUMPS"}
    assert {guess.confidence for guess in made.guesses} == {0.45}
    alone = drafted(setting("evolve.pressure", 3, "keyword", owner="evolve"), style="source")
    assert set(alone.space) == {"evolve.pressure"}


def test_a_known_estimator_offers_its_choices() -> None:
    made = drafted(setting("SVC.kernel", "rbf", "keyword", owner="SVC"), style="source")
    found = made.space["SVC.kernel"]
    assert found.type == "choice"
    assert "linear" in found.choices
