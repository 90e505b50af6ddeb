import argparse
from pathlib import Path

import numpy as np

from digit_reader.data import load
from digit_reader.model import Network


def parse():
    parser = argparse.ArgumentParser(description="Train the digit reader.")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.02, help="learning rate")
    parser.add_argument("--hidden", type=int, default=32, help="units in the hidden layer")
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--val-fraction", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    return parser.parse_args()


def main():
    args = parse()
    (x, y), (vx, vy) = load(args.val_fraction, seed=1234)
    rng = np.random.default_rng(args.seed)
    net = Network(x.shape[1], args.hidden, 10, rng)
    for epoch in range(1, args.epochs + 1):
        order = rng.permutation(len(y))
        losses = []
        for start in range(0, len(y), args.batch_size):
            batch = order[start : start + args.batch_size]
            losses.append(net.step(x[batch], y[batch], args.lr, args.weight_decay))
        p = net.forward(vx)
        val_loss = -np.log(p[np.arange(len(vy)), vy] + 1e-12).mean()
        val_acc = (p.argmax(axis=1) == vy).mean()
        print(
            f"epoch {epoch:3d} train_loss={np.mean(losses):.4f} "
            f"val_loss={val_loss:.4f} val_acc={val_acc:.4f}",
            flush=True,
        )
    args.out.mkdir(parents=True, exist_ok=True)
    np.savez(args.out / "weights.npz", w1=net.w1, b1=net.b1, w2=net.w2, b2=net.b2)


if __name__ == "__main__":
    main()
