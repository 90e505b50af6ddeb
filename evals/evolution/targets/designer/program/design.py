"""Lets labcrew choose settings on a landscape, again and again: python design.py INPUT OUTPUT SEED.

Writes down the settings that it would hand in: those with the best score that it saw. What they
are worth is for the scorer to say.
"""

import json
import sys
from pathlib import Path
from random import Random

from agents.sampler import asked, rebuilt
from agents.trial_design import startup_trials
from labcrew.domain.search_space import ChoiceParameter, FloatParameter

sys.path.insert(0, str(Path(__file__).parents[1]))
from landscapes import truth


def search(land, trials, random):
    """One search: the settings with the best noisy score."""
    space = {
        f"x{k}": FloatParameter(type="float", low=n["low"], high=n["high"], log=n["log"])
        for k, n in enumerate(land["numbers"])
    }
    space["choice"] = ChoiceParameter(type="choice", choices=(0, 1, 2))
    history = []
    for _ in range(trials):
        study = rebuilt(
            space,
            history,
            direction="maximize",
            seed=random.getrandbits(31),
            startup=startup_trials(trials),
        )
        values = asked(study, space)
        history.append((values, truth(land, values) + random.gauss(0, land["noise"])))
    return max(history, key=lambda told: told[1])[0]


def main(source, target, seed):
    with open(source) as file:
        case = json.load(file)
    random = Random(seed)
    found = [search(case["landscape"], case["trials"], random) for _ in range(case["searches"])]
    with open(target, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
