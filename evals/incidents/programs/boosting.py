"""Gradient boosting (Friedman, 2001) of scikit-learn's trees, told in sentences."""

import json
import pickle

import numpy as np
from contract import Surroundings
from data import Loader, split
from hooks import hooks
from options import Pace, options, rate_at
from sklearn.tree import DecisionTreeRegressor


def predict(model, x):
    total = np.full(len(x), model["start"])
    for rate, tree in model["trees"]:
        total = total + rate * tree.predict(x)
    return total


def error(y, predicted):
    with np.errstate(all="ignore"):
        return float(np.sqrt(((y - predicted) ** 2).mean()))


def main():
    given = options("diabetes", steps=140, rate=0.03, batch=10_000)
    hook = hooks()
    around = Surroundings(given.outputs, hook)
    parts = split(given.dataset)
    x, y = parts["train"]
    x_val, y_val = parts["validation"]
    x, y = hook.rows(x, y, x_val, y_val)
    shown = slice(0, given.validation_rows or None)
    model, first = {"start": float(y.mean()) * given.scale, "trees": []}, 0
    if around.resume:
        with open(around.resume, "rb") as file:
            kept = pickle.load(file)
        model, first = kept["model"], kept["round"] + 1
        print(f"Going on after round {first - 1}.")
    fitted, judged = predict(model, x), predict(model, x_val)
    rows = np.arange(len(x))[:, None]
    batch = int(min(given.batch, len(x)) * around.batch_scale)
    # Each round leaves a shard out (stochastic gradient boosting, Friedman 2002).
    loader = Loader(np.hstack([x, rows]), y, batch, given.seed, hook, around.without, given.odd)
    pace = Pace(given)
    for step in range(first, given.steps):
        around.begin(step)
        shard, some, target, waited = loader(step)
        random = np.random.default_rng([given.seed, step, 2])
        chosen = random.choice(len(x), int(0.5 * len(x)), replace=False)
        chosen = np.setdiff1d(chosen, some[:, -1].clip(0, len(x) - 1).astype(int))
        x_round = np.vstack([x[chosen], some[:, :-1]])
        y_round = np.concatenate([y[chosen], target])
        now = np.concatenate([fitted[chosen], predict(model, some[:, :-1])])
        rate = hook.rate(step, rate_at(given, step) * around.rate_scale)
        residual = (y_round - now) * hook.gradient(step)
        own = error(target, now[len(chosen) :])
        tree = DecisionTreeRegressor(max_depth=3, random_state=given.seed + step)
        tree.fit(x_round, residual)
        model["trees"].append((rate, tree))
        fitted = fitted + rate * tree.predict(x)
        judged = judged + rate * tree.predict(x_val)
        taken = pace.step()
        if step % given.every == 0:
            print(
                f"Round {step} of {given.steps}: training error {error(y, fitted):.3f},"
                f" learning rate {rate:g}, {taken:.3f} s a round, of which {waited:.3f} s loading"
                f" {shard} (its error {own:.3f})"
            )
        if (step + 1) % given.evaluate_every == 0:
            pace.evaluation()
            value = hook.printed(step, "rmse", error(y_val[shown], judged[shown]))
            print(f"Round {step}: validation error {value:.3f}")
        if (step + 1) % given.save_every == 0:
            state = {"model": model, "round": step}
            path = around.save(step, ".pkl", lambda p, s=state: p.write_bytes(pickle.dumps(s)))
            print(f"Saved checkpoint {path.name}.")
    made = {part: predict(model, parts[part][0]).tolist() for part in ("validation", "holdout")}
    (around.outputs / "predictions.json").write_text(json.dumps(made))
    print("Finished.")


if __name__ == "__main__":
    main()
