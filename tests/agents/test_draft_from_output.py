"""From lines as programs print them to the number, its better way and its data."""

from typing import Any

import pytest

from agents.drafting.better import direction_options
from agents.drafting.choosing import by_score
from agents.drafting.metrics import holdout_number, metric_options, split_options
from agents.drafting.observing import observe
from labcrew.domain.draft import FirstRun, Options, SeenLine
from labcrew.domain.survey import EntryPoint, Survey

SURVEY = Survey(files=1)
ENTRY = EntryPoint(path="train.py", kind="script", command="python train.py")
DIGITS = """\
Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.282550
Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.384441
Test set: Average loss: 0.0479, Accuracy: 9841/10000 (98%)
Train Epoch: 2 [0/60000 (0%)]\tLoss: 0.182550
Test set: Average loss: 0.0379, Accuracy: 9871/10000 (99%)
"""
DENSE = """\
Epoch 1/2
10/10 - 1s - loss: 0.6931 - accuracy: 0.5000 - val_loss: 0.6900 - val_accuracy: 0.5500
Epoch 2/2
10/10 - 1s - loss: 0.6531 - accuracy: 0.6000 - val_loss: 0.6700 - val_accuracy: 0.6500
"""
WORDS = """\
| epoch   1 |   200/ 2983 batches | lr 20.00 | ms/batch 12.34 | loss  7.63 | ppl  2057.21
| end of epoch   1 | time: 40.21s | valid loss  5.50 | valid ppl   244.12
| End of training | test loss  5.42 | test ppl   225.97
"""
SETS = "Training set score: 0.986400\nTest set score: 0.953000\n"
FIT = "Mean squared error: 2548.07\nCoefficient of determination: 0.47\n"
AGENT = "Episode 10\tLast reward: 12.00\tAverage reward: 10.81\n"
TIMED = "fit done in 3.21 s\naccuracy: 0.93\n"


def seen(text: str) -> FirstRun:
    lines = [SeenLine(at_s=n, text=line) for n, line in enumerate(text.splitlines())]
    run = FirstRun(id="r", command="python train.py", image="i", exit_code=0)
    return observe(run, lines, {})


def best(options: Options) -> Any:
    return options.options[by_score(options).index].value


@pytest.mark.parametrize(
    ("sentence", "text", "name", "direction", "split"),
    [
        ("lower the test loss", DIGITS, "Average loss", "minimize", "test"),
        ("make it more accurate", SETS, "Test set score", "maximize", "test"),
        ("improve the validation accuracy", DENSE, "val_accuracy", "maximize", "validation"),
        ("get a lower loss", DENSE, "val_loss", "minimize", "validation"),
        ("reduce perplexity", WORDS, "valid ppl", "minimize", "validation"),
        ("reduce the error", FIT, "Mean squared error", "minimize", "unknown"),
        ("raise the reward", AGENT, "Average reward", "maximize", "unknown"),
        ("better accuracy", "Accuracy: 0.97 (+/- 0.02)\n", "Accuracy", "maximize", "validation"),
        ("make it faster", TIMED, "fit done in", "minimize", "unknown"),
    ],
)
def test_what_is_meant(sentence: str, text: str, name: str, direction: str, split: str) -> None:
    run = seen(text)
    chosen = best(metric_options(sentence, SURVEY, ENTRY, [run]))
    assert chosen["name"] == name
    assert best(direction_options(sentence, name, [run])) == direction
    assert best(split_options(sentence, SURVEY, ENTRY, [run], chosen)) == split


def test_the_test_number_of_the_same_metric_is_kept_for_the_end() -> None:
    run = seen(WORDS)
    chosen = best(metric_options("reduce perplexity", SURVEY, ENTRY, [run]))
    kept = holdout_number(chosen, SURVEY, ENTRY, [run])
    assert kept is not None
    assert kept.name == "test ppl"
