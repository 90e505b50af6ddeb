"""Trains a small two-layer network on 8x8 handwritten digits, with NumPy alone."""

import argparse
import csv
import json
import math
import os
import time
import zipfile
from pathlib import Path

import numpy as np

CLASSES = 10
KEEP_CHECKPOINTS = 3


def read_split(path):
    """Ids (list of str), images (n, 64) scaled to [0, 1], labels (n,) or None."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [c for c in rows[0] if c not in ("id", "label")]
    images = np.array([[float(row[c] or 0) for c in columns] for row in rows], dtype=np.float32)
    labels = None
    if "label" in rows[0]:
        labels = np.array([int(row["label"]) for row in rows])
    return [row["id"] for row in rows], images / 16, labels


def jitter(image, rng):
    """The image turned by up to 3 degrees and moved by up to 0.15 pixels (bilinear)."""
    angle = rng.uniform(-0.05, 0.05)
    move_y, move_x = rng.uniform(-0.15, 0.15, 2)
    cos, sin = np.cos(angle), np.sin(angle)
    y = cos * GRID_Y - sin * GRID_X + 4.5 + move_y
    x = sin * GRID_Y + cos * GRID_X + 4.5 + move_x
    y, x = np.clip(y, 0, 8.99), np.clip(x, 0, 8.99)
    top, left = y.astype(int), x.astype(int)
    down, right = y - top, x - left
    padded = np.zeros((10, 10), dtype=np.float32)
    padded[1:9, 1:9] = image.reshape(8, 8)
    upper = padded[top, left] * (1 - right) + padded[top, left + 1] * right
    lower = padded[top + 1, left] * (1 - right) + padded[top + 1, left + 1] * right
    return (upper * (1 - down) + lower * down).ravel()


GRID_Y, GRID_X = (axis - 3.5 for axis in np.mgrid[0:8, 0:8].astype(np.float32))


def new_weights(hidden, rng):
    """Gaussian weights scaled by fan-in; velocities of zero."""
    weights = {
        "w1": rng.normal(0, np.sqrt(1 / 64), (64, hidden)),
        "b1": np.zeros(hidden),
        "w2": rng.normal(0, np.sqrt(1 / hidden), (hidden, CLASSES)),
        "b2": np.zeros(CLASSES),
    }
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    return weights, {name: np.zeros_like(value) for name, value in weights.items()}


def forward(weights, images):
    """Hidden activations and class probabilities."""
    hidden = np.tanh(images @ weights["w1"] + weights["b1"])
    scores = np.exp(hidden @ weights["w2"] + weights["b2"])
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def gradients(weights, images, labels):
    """The mean cross-entropy of a batch and its gradient."""
    hidden, probabilities = forward(weights, images)
    rows = np.arange(len(labels))
    loss = -np.log(probabilities[rows, labels]).mean()
    error = probabilities.copy()
    error[rows, labels] -= 1
    error /= len(labels)
    back = (error @ weights["w2"].T) * (1 - hidden**2)
    return loss, {
        "w1": images.T @ back,
        "b1": back.sum(axis=0),
        "w2": hidden.T @ error,
        "b2": error.sum(axis=0),
    }


def predict(weights, images):
    """The most probable class of each image."""
    return forward(weights, images)[1].argmax(axis=1)


def save_checkpoint(folder, epoch, step, weights, velocities):
    """Writes epoch-XX.npz under another name first, so that a killed run leaves no half file."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"weight_{n}": v for n, v in weights.items()}
    arrays |= {f"velocity_{n}": v for n, v in velocities.items()}
    partial = folder / f".epoch-{epoch:02d}.partial"
    with partial.open("wb") as file:
        np.savez(file, epoch=epoch, step=step, **arrays)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / f"epoch-{epoch:02d}.npz")
    for old in checkpoints(folder)[:-KEEP_CHECKPOINTS]:
        old.unlink()


def checkpoints(folder):
    """The saved checkpoints, oldest first."""
    return sorted(folder.glob("epoch-*.npz"), key=lambda p: int(p.stem.split("-")[1]))


def load_newest(paths, hidden):
    """Epoch, step, weights and velocities of the last readable checkpoint, or None."""
    for path in reversed(paths):
        try:
            with np.load(path, allow_pickle=False) as saved:
                arrays = {name: saved[name] for name in saved.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            print(json.dumps({"skipped": path.name, "reason": str(error)}), flush=True)
            continue
        if arrays["weight_b1"].shape != (hidden,):
            raise SystemExit(
                f"{path.name} has {len(arrays['weight_b1'])} hidden units, not {hidden}"
            )
        weights = {n[7:]: v for n, v in arrays.items() if n.startswith("weight_")}
        velocities = {n[9:]: v for n, v in arrays.items() if n.startswith("velocity_")}
        return int(arrays["epoch"]), int(arrays["step"]), weights, velocities
    return None


def write_predictions(path, ids, predictions):
    """One line an id."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "prediction"])
        writer.writerows(zip(ids, predictions.tolist(), strict=True))


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learning-rate", type=float, default=0.002, help="falls to 0 by the end")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--weight-decay", type=float, default=0.0001)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--outputs", type=Path, default=Path("outputs"))
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    return parser.parse_args()


def main():
    """Trains, reports every epoch, writes checkpoints and predictions."""
    a = parse_arguments()
    _, images, labels = read_split(a.data / "train.csv")
    validation_ids, validation_images, validation_labels = read_split(a.data / "validation.csv")
    holdout_ids, holdout_images, _ = read_split(a.data / "holdout.csv")

    a.outputs.mkdir(parents=True, exist_ok=True)
    folder = a.outputs / "checkpoints"
    done, step = 0, 0
    weights, velocities = new_weights(a.hidden, np.random.default_rng([a.seed, 0]))
    given = os.environ.get("LABCREW_RESUME")  # a supervisor starts us again from this file
    start = [Path(given)] if given else checkpoints(folder) if a.resume else []
    saved = load_newest(start, a.hidden)
    if saved:
        done, step, weights, velocities = saved
    elif folder.exists():
        for stale in checkpoints(folder):
            stale.unlink()

    total = a.epochs * math.ceil(len(labels) / a.batch_size)
    started = time.perf_counter()
    with (a.outputs / "metrics.jsonl").open("a" if saved else "w") as metrics:
        for epoch in range(done + 1, a.epochs + 1):
            rng = np.random.default_rng([a.seed, epoch])  # a resumed run sees the same batches
            order = rng.permutation(len(labels))
            losses = []
            for start in range(0, len(order), a.batch_size):
                batch = order[start : start + a.batch_size]
                seen = np.stack([jitter(images[i], rng) for i in batch]).astype(np.float32)
                loss, slopes = gradients(weights, seen, labels[batch])
                rate = a.learning_rate * max(0, 1 - step / total)
                for name, weight in weights.items():
                    slope = slopes[name] + a.weight_decay * weight
                    velocities[name] = a.momentum * velocities[name] - rate * slope
                    weights[name] = weight + velocities[name]
                losses.append(float(loss))
                step += 1
            accuracy = (predict(weights, validation_images) == validation_labels).mean()
            line = json.dumps(
                {
                    "epoch": epoch,
                    "step": step,
                    "loss": round(float(np.mean(losses)), 6),
                    "val_accuracy": round(float(accuracy), 6),
                    "seconds": round(time.perf_counter() - started, 3),
                }
            )
            print(line, flush=True)
            print(line, file=metrics, flush=True)
            save_checkpoint(folder, epoch, step, weights, velocities)

    write_predictions(
        a.outputs / "predictions_validation.csv",
        validation_ids,
        predict(weights, validation_images),
    )
    write_predictions(
        a.outputs / "predictions_holdout.csv", holdout_ids, predict(weights, holdout_images)
    )


if __name__ == "__main__":
    main()
