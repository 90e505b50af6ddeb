"""A small PyTorch network; progress as a bar that redraws itself."""

import json
import sys
import time

import clipping
import numpy as np
import torch
from contract import Surroundings
from data import Loader, split
from hooks import hooks
from options import Pace, options, rate_at
from torch import nn


def tensors(x, y):
    return torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32), torch.as_tensor(y)


def clock(seconds):
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def bar(epoch, done, total, begun, words):
    taken = time.perf_counter() - begun
    filled, speed = int(10 * done / total), done / taken
    sys.stdout.write(
        f"\rEpoch {epoch}: {100 * done // total:3d}%|{'█' * filled}{' ' * (10 - filled)}|"
        f" {done}/{total} [{clock(taken)}<{clock((total - done) / speed)}, {speed:.2f}it/s,"
        f" {words}]"
    )
    sys.stdout.write("\n" if done == total else "")
    sys.stdout.flush()


def main():
    given = options("digits", steps=140, rate=0.004, batch=48)
    hook = hooks()
    around = Surroundings(given.outputs, hook)
    torch.manual_seed(given.seed)
    torch.set_num_threads(1)
    parts = split(given.dataset)
    x, y = parts["train"]
    classes = int(y.max()) + 1
    x, y = hook.rows(x, y, *parts["validation"])
    shown = slice(0, given.validation_rows or None)
    x_val, y_val = tensors(*(part[shown] for part in parts["validation"]))
    model = nn.Sequential(nn.Linear(x.shape[1], 48), nn.ReLU(), nn.Linear(48, classes))
    with torch.no_grad():
        for weight in model.parameters():
            weight *= given.scale
    optimiser = torch.optim.Adam(model.parameters(), lr=given.rate)
    first = 0
    if around.resume:
        kept = torch.load(around.resume, weights_only=True)
        model.load_state_dict(kept["model"])
        optimiser.load_state_dict(kept["optimizer"])
        first = kept["step"] + 1
        print(f"Resumed from step {first - 1}")
    batch = int(given.batch * around.batch_scale)
    loader = Loader(x, y, batch, given.seed, hook, around.without, given.odd)
    largest = clipping.limit()
    pace, epoch_steps, begun = Pace(given), 20, time.perf_counter()
    for step in range(first, given.steps):
        around.begin(step)
        shard, x_batch, y_batch, waited = loader(step)
        rate = hook.rate(step, rate_at(given, step) * around.rate_scale)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        inputs, wanted = tensors(x_batch, y_batch)
        loss = nn.functional.cross_entropy(model(inputs), wanted)
        loss.backward()
        factor = hook.gradient(step)
        if factor != 1.0:
            for weight in model.parameters():
                weight.grad *= factor
        norm = float(nn.utils.clip_grad_norm_(model.parameters(), largest or float("inf")))
        optimiser.step()
        with torch.no_grad():
            hook.weights(step, [weight.numpy() for weight in model.parameters()])
        pace.step()
        epoch, done = divmod(step, epoch_steps)
        if done == 0:
            begun = time.perf_counter() - given.pace
        total = min(epoch_steps, given.steps - epoch * epoch_steps)
        words = f"loss={float(loss.detach()):.4f}, grad_norm={norm:.3g}, lr={rate:.2g}"
        words += f", data={waited:.4f}s"
        bar(epoch, done + 1, total, begun, f"{words}, shard={shard}")
        if (step + 1) % given.evaluate_every == 0:
            pace.evaluation()
            with torch.no_grad():
                scores = model(x_val)
                val_loss = float(nn.functional.cross_entropy(scores, y_val))
                right = 100 * float((scores.argmax(1) == y_val).float().mean())
            val_loss = hook.printed(step, "val_loss", val_loss)
            right = hook.printed(step, "val_acc", right)
            print(f"\nValidation after step {step}: val_loss {val_loss:.4f}, val_acc {right:.2f}%")
        if (step + 1) % given.save_every == 0:
            state = {
                "model": model.state_dict(),
                "optimizer": optimiser.state_dict(),
                "step": step,
            }
            path = around.save(step, ".pt", lambda p, s=state: torch.save(s, p))
            print(f"Checkpoint written: {path.name}")
    with torch.no_grad():
        made = {
            part: model(tensors(*parts[part])[0]).argmax(1).tolist()
            for part in ("validation", "holdout")
        }
    (around.outputs / "predictions.json").write_text(json.dumps(made))
    print("Done.")


if __name__ == "__main__":
    main()
