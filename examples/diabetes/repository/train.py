"""Predicts how far diabetes has progressed after a year, with a small PyTorch network."""

import argparse
import csv
from pathlib import Path

import torch
import yaml
from torch import nn


def read_split(path):
    """Features (n, 10) and target (n, 1) of one CSV file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [c for c in rows[0] if c not in ("id", "progression")]
    features = torch.tensor([[float(row[c]) for c in names] for row in rows])
    return features, torch.tensor([[float(row["progression"])] for row in rows])


class Regressor(nn.Module):
    """One hidden layer; carries the training data's scale, so that it takes and gives raw units."""

    def __init__(self, features, hidden, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
        )
        self.register_buffer("shift", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("target", torch.tensor([0.0, 1.0]))

    def fit_scale(self, features, target):
        """Takes mean and deviation from the training data."""
        self.shift, self.scale = features.mean(dim=0), features.std(dim=0)
        self.target = torch.stack([target.mean(), target.std()])

    def standardised(self, features):
        """The prediction in units of the target's deviation."""
        return self.layers((features - self.shift) / self.scale)

    def forward(self, features):
        """The prediction in raw units."""
        return self.standardised(features) * self.target[1] + self.target[0]


@torch.no_grad()
def rmse(model, features, target):
    """Root of the mean squared error, in raw units."""
    model.eval()
    return (model(features) - target).square().mean().sqrt().item()


def main():
    """Trains, reports every epoch, saves the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--outputs", type=Path, default=Path("outputs"))
    arguments = parser.parse_args()
    config = yaml.safe_load(arguments.config.read_text())
    epochs, batch_size = config["training"]["epochs"], config["training"]["batch_size"]

    torch.manual_seed(arguments.seed)
    features, target = read_split(arguments.data / "train.csv")
    validation = read_split(arguments.data / "validation.csv")
    model = Regressor(features.shape[1], **config["model"])
    model.fit_scale(features, target)
    scaled_target = (target - model.target[0]) / model.target[1]
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=config["optimizer"]["learning_rate"],
        momentum=config["optimizer"]["momentum"],
        weight_decay=config["optimizer"]["weight_decay"],
    )

    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(features)).split(batch_size):
            loss = nn.functional.mse_loss(model.standardised(features[batch]), scaled_target[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        error = rmse(model, *validation)
        print(
            f"epoch {epoch}/{epochs} train loss {total / len(features):.3f} val rmse {error:.2f}",
            flush=True,
        )

    arguments.outputs.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"model": config["model"], "weights": model.state_dict()}, arguments.outputs / "model.pt"
    )


if __name__ == "__main__":
    main()
