"""A linear classifier of scikit-learn, fitted batch by batch; one JSON object a line."""

import json

import joblib
import numpy as np
from contract import Surroundings
from data import Loader, split
from hooks import hooks
from options import Pace, options, rate_at
from sklearn.linear_model import SGDClassifier


def log_loss(model, x, y):
    with np.errstate(all="ignore"):
        margin = model.decision_function(x)
        if margin.ndim == 1:
            return float(np.logaddexp(0, np.where(y == 1, -margin, margin)).mean())
        own = np.logaddexp(0, -margin[np.arange(len(y)), y])
        others = np.logaddexp(0, margin)
        others[np.arange(len(y)), y] = 0
        return float((own + others.sum(1)).mean())


def main():
    given = options("breast_cancer", steps=150, rate=0.004, batch=24)
    hook = hooks()
    around = Surroundings(given.outputs, hook)
    parts = split(given.dataset)
    x, y = parts["train"]
    x_val, y_val = parts["validation"]
    classes = np.unique(y)
    x, y = hook.rows(x, y, x_val, y_val)
    shown = slice(0, given.validation_rows or None)
    model = SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=given.rate, random_state=given.seed
    )
    first = 0
    if around.resume:
        kept = joblib.load(around.resume)
        model, first = kept["model"], kept["step"] + 1
        print(json.dumps({"event": "resumed", "step": first - 1}))
    batch = int(given.batch * around.batch_scale)
    loader = Loader(x, y, batch, given.seed, hook, around.without, given.odd)
    pace = Pace(given)
    for step in range(first, given.steps):
        around.begin(step)
        shard, x_batch, y_batch, waited = loader(step)
        rate = hook.rate(step, rate_at(given, step) * around.rate_scale) * hook.gradient(step)
        if step > 0:
            loss = log_loss(model, x_batch, y_batch)
        if rate > 0:
            model.set_params(eta0=rate)
            model.partial_fit(x_batch, y_batch, classes=classes)
        if step == 0:
            loss = log_loss(model, x_batch, y_batch)
        hook.weights(step, [model.coef_, model.intercept_])
        taken = pace.step()
        if step % given.every == 0:
            line = {"step": step, "train_loss": round(loss, 5), "learning_rate": rate}
            line |= {"data_time": round(waited, 5), "step_time": round(taken, 5), "shard": shard}
            print(json.dumps(line))
        if (step + 1) % given.evaluate_every == 0:
            pace.evaluation()
            val_loss = hook.printed(step, "val_loss", log_loss(model, x_val[shown], y_val[shown]))
            right = float((model.predict(x_val[shown]) == y_val[shown]).mean())
            right = hook.printed(step, "val_accuracy", right)
            print(json.dumps({"step": step, "val_loss": val_loss, "val_accuracy": right}))
        if (step + 1) % given.save_every == 0:
            state = {"model": model, "step": step}
            path = around.save(step, ".joblib", lambda p, s=state: joblib.dump(s, p))
            print(json.dumps({"event": "checkpoint", "path": path.name, "step": step}))
    made = {part: model.predict(parts[part][0]).tolist() for part in ("validation", "holdout")}
    (around.outputs / "predictions.json").write_text(json.dumps(made))
    print(json.dumps({"event": "done"}))


if __name__ == "__main__":
    main()
