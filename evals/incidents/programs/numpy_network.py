"""A network of two layers in NumPy, trained by gradient descent with momentum."""

import json

import clipping
import numpy as np
from contract import Surroundings
from data import Loader, split
from hooks import hooks
from options import Pace, options, rate_at


def forward(weights, x):
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    scores = hidden @ weights[2] + weights[3]
    scores = scores - scores.max(1, keepdims=True)
    exponents = np.exp(scores)
    return hidden, exponents / exponents.sum(1, keepdims=True)


def loss_of(chances, y):
    return float(-np.log(chances[np.arange(len(y)), y] + 1e-12).mean())


def gradients_of(weights, x, y):
    hidden, chances = forward(weights, x)
    loss = loss_of(chances, y)
    wrong = chances.copy()
    wrong[np.arange(len(y)), y] -= 1
    wrong /= len(y)
    back = (wrong @ weights[2].T) * (hidden > 0)
    return loss, [x.T @ back, back.sum(0), hidden.T @ wrong, wrong.sum(0)]


def main():
    np.seterr(all="ignore")
    given = options("digits", steps=160, rate=0.05, batch=48)
    hook = hooks()
    around = Surroundings(given.outputs, hook)
    parts = split(given.dataset)
    x, y = parts["train"]
    x_val, y_val = parts["validation"]
    classes = int(y.max()) + 1
    x, y = hook.rows(x, y, x_val, y_val)
    shown = slice(0, given.validation_rows or None)
    random = np.random.default_rng(given.seed)
    wide = 48
    weights = [
        random.normal(0, given.scale * np.sqrt(2 / x.shape[1]), (x.shape[1], wide)),
        np.zeros(wide),
        random.normal(0, given.scale * np.sqrt(2 / wide), (wide, classes)),
        np.zeros(classes),
    ]
    momentum = [np.zeros_like(w) for w in weights]
    first = 0
    if around.resume:
        with np.load(around.resume) as kept:
            weights = [kept[f"w{n}"] for n in range(4)]
            momentum = [kept[f"m{n}"] for n in range(4)]
            first = int(kept["step"]) + 1
        print(f"resumed step={first - 1}")
    batch = int(given.batch * around.batch_scale)
    loader = Loader(x, y, batch, given.seed, hook, around.without, given.odd)
    largest = clipping.limit()
    pace = Pace(given)
    for step in range(first, given.steps):
        around.begin(step)
        shard, x_batch, y_batch, waited = loader(step)
        rate = hook.rate(step, rate_at(given, step) * around.rate_scale)
        loss, gradients = gradients_of(weights, x_batch, y_batch)
        factor = hook.gradient(step)
        if factor != 1.0:
            gradients = [g * factor for g in gradients]
        norm = clipping.norm(gradients)
        if largest is not None:
            gradients = clipping.clip(gradients, largest)
        for n, gradient in enumerate(gradients):
            momentum[n] = 0.8 * momentum[n] - rate * gradient
            weights[n] = weights[n] + momentum[n]
        hook.weights(step, weights)
        taken = pace.step()
        if step % given.every == 0:
            print(
                f"step={step} loss={loss:.4f} lr={rate:.5g} grad_norm={norm:.4g}"
                f" data_time={waited:.4f} step_time={taken:.4f} batch={shard}"
            )
        if (step + 1) % given.evaluate_every == 0:
            pace.evaluation()
            chances = forward(weights, x_val[shown])[1]
            val_loss = hook.printed(step, "val_loss", loss_of(chances, y_val[shown]))
            right = float((chances.argmax(1) == y_val[shown]).mean())
            right = hook.printed(step, "val_accuracy", right)
            print(f"step={step} val_loss={val_loss:.4f} val_accuracy={right:.4f}")
        if (step + 1) % given.save_every == 0:
            arrays = {f"w{n}": w for n, w in enumerate(weights)}
            arrays |= {f"m{n}": m for n, m in enumerate(momentum)}
            path = around.save(step, ".npz", lambda p, a=arrays, s=step: np.savez(p, step=s, **a))
            print(f"saved checkpoint {path.name}")
    made = {
        part: forward(weights, parts[part][0])[1].argmax(1).tolist()
        for part in ("validation", "holdout")
    }
    (around.outputs / "predictions.json").write_text(json.dumps(made))
    print("done")


if __name__ == "__main__":
    main()
