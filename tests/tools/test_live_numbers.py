"""What a run prints is shown while it runs, and by its log afterwards."""

from pathlib import Path

from desk.views.series import series_of
from labcrew.domain.experiment import MetricPoint, Trial
from labcrew.home import Home
from tools.live_numbers import forget_numbers, show_numbers, shown_numbers

TRIAL = Trial(
    id="T-001-004", ticket="T-001", number=4, kind="search", seed=0, data="original", memory_mb=64
)


def _points(upto: int) -> tuple[MetricPoint, ...]:
    return tuple(MetricPoint(name="loss", step=n, value=1 / (n + 1)) for n in range(upto))


def test_numbers_grow_while_a_run_is_followed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert series_of(home, TRIAL).series == ()
    show_numbers(home, TRIAL, ())
    assert shown_numbers(home, TRIAL) == ()
    for upto in (3, 9):
        show_numbers(home, TRIAL, _points(upto))
        [series] = series_of(home, TRIAL).series
        assert (series.name, len(series.steps), series.steps[-1]) == ("loss", upto, upto - 1)
    logs = home.artefacts("T-001") / "logs"
    (logs / "T-001-004.log").write_text('{"step": 1, "accuracy": 0.5}\n')
    assert [s.name for s in series_of(home, TRIAL).series] == ["accuracy"]
    forget_numbers(home, TRIAL)
    forget_numbers(home, TRIAL)
    assert [file.name for file in logs.iterdir()] == ["T-001-004.log"]


def test_a_file_that_is_none_of_ours_shows_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    logs = home.artefacts("T-001") / "logs"
    logs.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text('[{"name": "a", "step": 1, "value": 1}]')
    (logs / "T-001-004.live").symlink_to(secret)
    assert shown_numbers(home, TRIAL) == ()
    (logs / "T-001-004.live").unlink()
    (logs / "T-001-004.live").write_text('[{"name": "a"')
    assert shown_numbers(home, TRIAL) == ()
