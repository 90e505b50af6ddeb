"""Gradient boosting on the diabetes study."""

import argparse
import json
from pathlib import Path

import numpy as np
import yaml
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import train_test_split


def run(config):
    x, y = load_diabetes(return_X_y=True, scaled=config["data"]["standardize"])
    x, vx, y, vy = train_test_split(
        x, y, test_size=config["data"]["validation"], random_state=11
    )
    settings = config["model"]
    model = GradientBoostingRegressor(
        learning_rate=settings["learning_rate"],
        n_estimators=settings["rounds"],
        max_depth=settings["max_depth"],
        subsample=settings["subsample"],
        loss=settings["loss"],
        random_state=config["seed"],
    )
    model.fit(x, y)
    folder = Path(config["output"])
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "metrics.jsonl", "w") as log:
        for number, guess in enumerate(model.staged_predict(vx), start=1):
            val_rmse = float(np.sqrt(np.mean((guess - vy) ** 2)))
            log.write(json.dumps({"round": number, "val_rmse": val_rmse}) + "\n")
            if number % 20 == 0:
                print(f"round {number}: val_rmse {val_rmse:.3f}")
    print(f"final val_rmse: {val_rmse:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True, help="a YAML file")
    args = parser.parse_args()
    run(yaml.safe_load(Path(args.config).read_text()))
