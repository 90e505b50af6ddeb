"""Prints the error of a trained model on the holdout. For the end, not for choosing settings."""

import argparse
from pathlib import Path

import torch
from train import Regressor, read_split, rmse


def main():
    """Loads, predicts, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--outputs", type=Path, default=Path("outputs"))
    arguments = parser.parse_args()
    saved = torch.load(arguments.outputs / "model.pt", weights_only=True)
    features, target = read_split(arguments.data / "holdout.csv")
    model = Regressor(features.shape[1], **saved["model"])
    model.load_state_dict(saved["weights"])
    print(f"holdout rmse {rmse(model, features, target):.2f}")


if __name__ == "__main__":
    main()
