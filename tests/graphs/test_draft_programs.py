"""Drafts of programs that no parser reads, or that keep their numbers elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.lab import bare_bench
from tests.graphs.test_drafting import begun, drafter
from tools.toolbox import Workbench

pytestmark = pytest.mark.engine
PERL = """\
#!/usr/bin/perl
use strict; use warnings; use Getopt::Long;
my ($rate, $seed, $help) = (0.01, 1, 0);
GetOptions("rate=f" => \\$rate, "seed=i" => \\$seed, "help" => \\$help) or die;
if ($help) {
    print "usage: fit.pl [options]\\n  --rate R   learning rate (default: 0.01)\\n";
    print "  --seed S   random seed (default: 1)\\n";
    exit;
}
srand($seed);
my $w = 0;
for (1..200) { my $x = rand(1); $w -= $rate * ($w * $x - 2 * $x) * $x; }
printf "validation mse: %.5f\\n", ($w - 2) ** 2;
"""
JSON = """\
import json
import random
cfg = json.load(open("config.json"))
random.seed(cfg["seed"])
w = 0.0
for _ in range(cfg["train"]["rounds"]):
    x = random.uniform(-1, 1)
    w -= cfg["train"]["lr"] * (w * x - 3 * x)
json.dump({"final_error": abs(w - 3)}, open("results.json", "w"), indent=1)
"""
CONFIG = '{"seed": 1, "train": {"rounds": 200, "lr": 0.02, "l2": 0.01}}\n'


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with bare_bench() as made:
        yield made


async def test_a_program_is_asked_for_its_options(bench: Workbench, tmp_path: Path) -> None:
    files = {"fit__pl": PERL, "README__md": "# Line\n\n    perl fit.pl\n"}
    begun(bench, tmp_path, "D-101", "lower the validation error", True, **files)
    draft = await drafter(bench).advance("D-101")
    assert draft.status == "written", draft.trouble
    assert draft.ticket is not None
    assert draft.ticket.search_space["rate"].role == "learning_rate"
    assert "--seed {seed}" in draft.ticket.run.command
    assert len(draft.ticket.seeds) > 1


async def test_numbers_in_a_file_elsewhere_are_kept(bench: Workbench, tmp_path: Path) -> None:
    files = {"run__py": JSON, "config__json": CONFIG}
    begun(bench, tmp_path, "D-102", "lower the final error", True, **files)
    draft = await drafter(bench).advance("D-102")
    assert draft.status == "written", draft.trouble
    ticket = draft.ticket
    assert ticket is not None
    assert (ticket.metric.name, ticket.metric.file) == ("final_error", "results.json")
    assert ticket.run.command.endswith("cp results.json {outputs}/")
    assert (ticket.settings.style, ticket.settings.file) == ("file", "config.json")
    assert "train.lr" in ticket.search_space


DOWNLOADS = "import urllib.request\nurllib.request.urlopen('https://data.example.org/x')\n"
DOWNLOADS += "LEARNING_RATE = 0.1\nprint('test accuracy on faces', LEARNING_RATE)\n"


async def test_another_program_is_no_answer_to_a_download(bench: Workbench, tmp_path: Path) -> None:
    other = "RATE = 0.5\nDROPOUT = 0.1\nprint('test accuracy', RATE - DROPOUT)\n"
    readme = "# Lab\n\n    python train_faces.py\n"
    files = {"train_faces__py": DOWNLOADS, "fit_other__py": other, "README__md": readme}
    begun(bench, tmp_path, "D-103", "raise the test accuracy on faces", True, **files)
    draft = await drafter(bench).advance("D-103")
    assert draft.status == "failed"
    assert draft.trouble is not None
    assert draft.trouble.kind == "download"


async def test_the_next_best_command_is_told_to_be_that(bench: Workbench, tmp_path: Path) -> None:
    fine = "RATE = 0.5\nDROPOUT = 0.1\nprint('test accuracy', RATE - DROPOUT)\n"
    files = {"train_b__py": fine, "train_a__py": f"{fine}raise SystemExit(3)\n"}
    begun(bench, tmp_path, "D-104", "raise the test accuracy", True, **files)
    draft = await drafter(bench).advance("D-104")
    assert draft.status == "written", draft.trouble
    assert draft.ticket is not None
    command = next(guess for guess in draft.guesses if guess.field == "run.command")
    assert command.value == draft.ticket.run.command == "python train_b.py"
    assert command.confidence <= 0.5
    assert "could not be used" in command.because or "train_a" not in command.because
    assert any(doubt.field == "run.command" for doubt in draft.ticket.doubts)
