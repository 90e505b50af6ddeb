"""Settings come from the file and the environment; the environment wins."""

from pathlib import Path

import pytest

from labcrew.errors import SettingsError
from labcrew.settings import ModelSettings, Settings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("LABCREW_"):
            monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    file = folder / "labcrew.toml"
    file.write_text(text)
    return file


def test_without_a_file_the_defaults_stand(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "labcrew.toml")
    assert settings.models == {}
    assert settings.lease_s == 60


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(
        tmp_path,
        'tick_s = 2\nlease_s = 9\n[models.default]\nmodel = "small"\nbase_url = "http://127.0.0.1"\n',
    )
    monkeypatch.setenv("LABCREW_TICK_S", "3")
    monkeypatch.setenv("LABCREW_MODELS__DEFAULT__MODEL", "large")
    monkeypatch.setenv("LABCREW_MODELS__DEFAULT__API_KEY", "sk-secret")
    monkeypatch.setenv("LABCREW_HOME", "elsewhere")
    settings = Settings.load(file)
    assert (settings.tick_s, settings.lease_s) == (3, 9)
    model = settings.models["default"]
    assert (model.model, model.base_url) == ("large", "http://127.0.0.1")
    assert model.api_key is not None
    assert "sk-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lease_s = 0\n", "lease_s"),
        ("leese_s = 5\n", "leese_s"),
        ("[models.default]\nmodle = 'x'\n", "models.default"),
        ("= 5\n", "labcrew.toml"),
        ("[models]\ndefault = 5\n", "models.default"),
    ],
)
def test_a_wrong_file_is_named_with_the_setting(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.load(written(tmp_path, text))


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "labcrew.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError):
        Settings.load(file)


@pytest.mark.parametrize(
    ("name", "value"), [("LABCREW_MODELS", "{not json"), ("LABCREW_OUTPUT_CAP_MB", "many")]
)
def test_a_wrong_variable_is_an_error_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError):
        Settings.load(tmp_path / "labcrew.toml")


def test_a_model_in_this_process_has_longer_to_answer_unless_told_otherwise() -> None:
    served = ModelSettings(model="m")
    here = ModelSettings(gguf=Path("model.gguf"))
    assert here.timeout_s > served.timeout_s == 120
    assert ModelSettings(gguf=Path("model.gguf"), timeout_s=60).timeout_s == 60
