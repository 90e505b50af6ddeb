"""Made-up runs, healthy and not: series of observations from a seed, to try detectors on."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agents.monitoring.detectors import DETECTORS
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage

MIB = 2**20


@dataclass
class Line:
    """One line of a run, and how long it took.

    Args:
        after_s: seconds since the line before.
        cores: CPU use meanwhile.
    """

    numbers: dict[str, float]
    step: int | None = None
    epoch: float | None = None
    batch: str = ""
    text: str = ""
    saved: str = ""
    after_s: float = 0.05
    cores: float = 1.0
    memory_mb: float = 300.0
    disk_mb: float = 50.0


Run = list[Line]
Make = Callable[[random.Random], Run]


@dataclass
class Found:
    """The first alarm of each kind, with the number of the line where it came."""

    alarms: dict[str, tuple[int, Alarm]] = field(default_factory=dict)

    def add(self, line: int, alarm: Alarm | None) -> None:
        if alarm is not None:
            self.alarms.setdefault(alarm.kind, (line, alarm))


def watch(run: Run, expected: Expectations | None = None) -> Found:
    """Takes a run through all detectors, with a tick each second of its time."""
    expected = expected or Expectations(stall_s=60, memory_mb=1024, disk_mb=1024)
    detectors = [make(expected) for make in DETECTORS]
    found = Found()
    now, cpu, ticked = 0.0, 0.0, 0.0
    for index, line in enumerate(run):
        end = now + line.after_s
        while ticked + 1.0 <= end:
            ticked += 1.0
            usage = Usage(
                memory_bytes=int(line.memory_mb * MIB),
                memory_limit_bytes=expected.memory_mb * MIB,
                cpu_s=cpu + (ticked - now) * line.cores,
                disk_bytes=int(line.disk_mb * MIB),
                disk_limit_bytes=expected.disk_mb * MIB,
            )
            for detector in detectors:
                found.add(index, detector.tick(ticked, usage))
        cpu += line.after_s * line.cores
        now = end
        seen = Observation(
            at_s=now,
            text=line.text or " ".join(f"{k}={v:g}" for k, v in line.numbers.items()),
            numbers=line.numbers,
            step=line.step,
            epoch=line.epoch,
            batch=line.batch,
            saved=line.saved,
        )
        for detector in detectors:
            found.add(index, detector.see(seen))
    return found


def curve(rng: random.Random, lines: int, first: float = 0.0, last: float = 0.0) -> list[float]:
    """A loss that falls from `first` to `last`, with noise of a few to some dozen percent."""
    first = first or rng.choice((0.7, 1.1, 2.3, 6.9)) * rng.uniform(0.9, 1.1)
    last = last or first * rng.uniform(0.02, 0.3)
    tau = lines * rng.uniform(0.05, 0.3)
    noise = rng.uniform(0.01, 0.15)
    return [
        (last + (first - last) * math.exp(-n / tau)) * math.exp(rng.gauss(0, noise))
        for n in range(lines)
    ]


def plain(values: list[float], every: int = 1, name: str = "loss") -> Run:
    return [Line({name: v}, step=n * every) for n, v in enumerate(values)]


# Healthy runs that look ill.


def noisy(rng: random.Random) -> Run:
    spread = rng.uniform(0.2, 0.8)
    return plain([v * math.exp(rng.gauss(0, spread)) for v in curve(rng, 600)])


def heavy_tails(rng: random.Random) -> Run:
    """Noise of Student's t with three degrees of freedom."""

    def t() -> float:
        return rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3)

    return plain([max(v * (1 + 0.1 * t()), 1e-4) for v in curve(rng, 600)])


def warm_restarts(rng: random.Random) -> Run:
    cycle, printed = rng.randint(60, 250), rng.random() < 0.5
    first, up = rng.uniform(1, 3), rng.uniform(1.5, 6)
    lines = []
    for n in range(cycle * 4):
        phase = (n % cycle) / cycle
        base = first * (0.08 + 0.92 * math.exp(-n / (0.3 * cycle)))
        rise = 1 + (up - 1) * (0.5 + 0.5 * math.cos(math.pi * phase)) if n >= cycle else 1.0
        warm = min((n % cycle + 1) / rng.uniform(2, 10), 1.0) if n >= cycle else 1.0
        numbers = {"loss": base * (1 + (rise - 1) * warm) * math.exp(rng.gauss(0, 0.05))}
        if printed:
            numbers["lr"] = 0.1 * (0.5 + 0.5 * math.cos(math.pi * phase))
        lines.append(Line(numbers, step=n))
    return lines


def cyclic_rate(rng: random.Random) -> Run:
    cycle, up = rng.randint(30, 150), rng.uniform(1.3, 4)
    values = []
    for n in range(cycle * 6):
        phase = abs((n % cycle) / cycle * 2 - 1)
        base = 0.1 + 2 * math.exp(-n / cycle)
        values.append(base * (1 + (up - 1) * (1 - phase)) * math.exp(rng.gauss(0, 0.08)))
    return plain(values)


def long_warm_up(rng: random.Random) -> Run:
    """Hardly any learning for long, while the learning rate rises."""
    up, printed = rng.randint(100, 400), rng.random() < 0.7
    first = rng.choice((math.log(10), math.log(2), 4.0))
    value, lines = first, []
    for n in range(up + 400):
        rate = min(n / up, 1.0)
        value -= 0.012 * rate * (value - 0.1)
        numbers = {"loss": value * math.exp(rng.gauss(0, 0.02))}
        if printed:
            numbers["learning_rate"] = rate * 1e-3
        lines.append(Line(numbers, step=n))
    return lines


def silent_evaluations(rng: random.Random) -> Run:
    every, long_s = rng.randint(20, 80), rng.uniform(5, 55)
    lines = plain(curve(rng, 300))
    for n, line in enumerate(lines):
        if n and n % every == 0:
            line.after_s = long_s * rng.uniform(0.7, 1.05)
    return lines


def slow_first_step(rng: random.Random) -> Run:
    lines = plain(curve(rng, 200))
    lines[0].after_s = rng.uniform(2, 50)
    lines[1].after_s = rng.uniform(2, 20)
    return lines


def near_zero(rng: random.Random) -> Run:
    values = [10 ** -(1 + 7 * (1 - math.exp(-n / 100))) for n in range(500)]
    return plain([v * math.exp(rng.gauss(0, rng.uniform(0.1, 0.5))) for v in values])


def negative(rng: random.Random) -> Run:
    first, last = rng.uniform(-1, 5), rng.uniform(-8, -1)
    return plain(
        [last + (first - last) * math.exp(-n / 80) + rng.gauss(0, 0.3) for n in range(500)],
        name="nll",
    )


def starts_huge(rng: random.Random) -> Run:
    huge = 10 ** rng.uniform(3, 7)
    return plain([(huge * math.exp(-n / 3) + v) for n, v in enumerate(curve(rng, 400, 2.0))])


def adversarial(rng: random.Random) -> Run:
    lines = []
    for n in range(600):
        swing = math.sin(n / rng.uniform(15, 25))
        lines.append(
            Line(
                {
                    "d_loss": abs(0.6 + 0.4 * swing + rng.gauss(0, 0.2)),
                    "g_loss": abs(1.5 - 1.2 * swing + rng.gauss(0, 0.5)) * (1 + n / 300),
                },
                step=n,
            )
        )
    return lines


def reinforcement(rng: random.Random) -> Run:
    reward, lines = 20.0, []
    for n in range(500):
        reward += rng.gauss(0.4, 12) + (180 - reward) * 0.01
        lines.append(
            Line(
                {
                    "reward": reward + rng.gauss(0, 30),
                    "policy_loss": rng.gauss(0, 0.02),
                    "value_loss": abs(reward) ** 1.5 / 50 * rng.uniform(0.3, 3),
                },
                step=n * 2048,
            )
        )
    return lines


def variational(rng: random.Random) -> Run:
    """The latent code holds nothing at first: its divergence rises while the sum falls."""
    full, pace = rng.uniform(5, 30), rng.uniform(5, 40)
    lines = []
    for n in range(200):
        mse = 180 * math.exp(-n / pace) + 100 + rng.gauss(0, 0.5)
        kld = full * (1 - math.exp(-n / pace)) + abs(rng.gauss(0, 0.01))
        lines.append(Line({"loss": mse + kld, "mse": mse, "kld": kld}, epoch=n))
    return lines


def weight_decay(rng: random.Random) -> Run:
    """Weights grow from nothing, and the part of the loss that is their norm with them."""
    lines = []
    for n in range(200):
        fit = 0.4 * math.exp(-n / rng.uniform(20, 30)) + 0.2 + rng.gauss(0, 0.005)
        norm = 1e-6 * (n + 1) ** rng.uniform(1.6, 1.8)
        lines.append(Line({"ce_loss": fit, "l2_loss": norm, "total_loss": fit + norm}, epoch=n))
    return lines


def percent(rng: random.Random) -> Run:
    losses = curve(rng, 60)
    return [
        Line(
            {
                "train_loss": v,
                "train_acc": 95 - 60 * v / losses[0],
                "val_loss": v * 1.1 + 0.05,
                "val_acc": min(93 - 60 * v / losses[0] + rng.gauss(0, 1), 100),
            },
            step=n,
            epoch=n,
        )
        for n, v in enumerate(losses)
    ]


def every_few_steps(rng: random.Random) -> Run:
    return plain(curve(rng, 150), every=rng.choice((10, 50, 100)))


def interleaved(rng: random.Random) -> Run:
    lines: Run = []
    for n, v in enumerate(curve(rng, 300)):
        lines.append(Line({"train/loss": v, "lr": 1e-3 * 0.99**n}, step=n))
        if n % 10 == 9:
            lines.append(Line({"val/loss": v * 1.2, "val/f1": 1 - v / 10}, step=n))
        if n % 7 == 0:
            lines.append(Line({"tokens": n * 4096.0, "queue": rng.randint(0, 99)}))
    return lines


def steps_restart(rng: random.Random) -> Run:
    per = rng.randint(15, 60)
    return [
        Line({"loss": v, "epoch": n // per}, step=n % per, epoch=n // per)
        for n, v in enumerate(curve(rng, per * 8))
    ]


def summed(rng: random.Random) -> Run:
    """The loss of an epoch so far, as a sum."""
    per = rng.randint(20, 120)
    total, lines = 0.0, []
    for n, v in enumerate(curve(rng, per * 6)):
        total = v if n % per == 0 else total + v
        lines.append(Line({"loss": total}, step=n % per, epoch=n // per))
    return lines


def short(rng: random.Random) -> Run:
    return plain(curve(rng, rng.randint(3, 12)))


def evaluations_between(rng: random.Random) -> Run:
    every, slow = rng.randint(2, 10), rng.uniform(3, 12)
    lines = plain(curve(rng, 400))
    for n, line in enumerate(lines):
        line.after_s = rng.uniform(0.08, 0.12) * (slow if n % every == 0 else 1)
    return lines


def memory_levels_off(rng: random.Random) -> Run:
    lines = plain(curve(rng, 900))
    top, ramp = rng.uniform(500, 960), rng.randint(50, 500)
    linear = rng.random() < 0.4
    if linear:
        top = min(top, 780)
    for n, line in enumerate(lines):
        part = min(n / ramp, 1) if linear else 1 - math.exp(-3 * n / ramp)
        line.memory_mb = 200 + (top - 200) * part + rng.gauss(0, 5)
        line.disk_mb = 50 + 20 * min(n // 100, 5)
        line.after_s = 0.1
    return lines


def best_is_infinite(rng: random.Random) -> Run:
    return [
        Line({"loss": v, "best": math.inf if n < 20 else v, "val_auc": math.nan}, step=n)
        for n, v in enumerate(curve(rng, 200))
    ]


def missing_is_nan(rng: random.Random) -> Run:
    every = rng.randint(3, 20)
    return [
        Line({"loss": v, "val_loss": v * 1.1 if n % every == every - 1 else math.nan}, step=n)
        for n, v in enumerate(curve(rng, 300))
    ]


def dropout(rng: random.Random) -> Run:
    """Training loss with dropout and augmentation, above that of validation."""
    factor = rng.uniform(1.2, 4)
    return [
        Line({"train_loss": v * factor, "val_loss": v, "val_acc": 1 - v / 4}, step=n)
        for n, v in enumerate(curve(rng, 80, 2.3))
    ]


def small_validation_set(rng: random.Random) -> Run:
    lines = []
    for n, v in enumerate(curve(rng, 60)):
        accuracy = 0.5 + 0.35 * (1 - math.exp(-n / 8))
        got = sum(rng.random() < accuracy for _ in range(20)) / 20
        lines.append(
            Line(
                {"loss": v, "val_loss": max(v * rng.uniform(0.7, 1.6), 0.01), "val_acc": got},
                step=n,
            )
        )
    return lines


def fast_learner(rng: random.Random) -> Run:
    lines = []
    for n in range(30):
        accuracy = min(0.1 + 0.88 * (1 - math.exp(-n / rng.uniform(0.5, 2))), 0.985)
        lines.append(Line({"loss": 2.3 * math.exp(-n / 2) + 0.05, "val_acc": accuracy}, step=n))
    return lines


def grokking(rng: random.Random) -> Run:
    late, width = rng.randint(40, 80), rng.uniform(2, 8)
    lines = []
    for n in range(120):
        up = 1 / (1 + math.exp(-(n - late) / width))
        lines.append(
            Line(
                {
                    "train_loss": 4.6 * math.exp(-n / 5) + 1e-3,
                    "train_acc": min(1 - math.exp(-n / 5), 1.0),
                    "val_acc": 0.01 + 0.98 * up + rng.gauss(0, 0.003),
                },
                step=n * 100,
            )
        )
    return lines


def mild_overfitting(rng: random.Random) -> Run:
    lines = []
    losses = curve(rng, 100)
    for n, v in enumerate(losses):
        up = 1 + rng.uniform(0.0, 0.02) + 0.0015 * n
        lines.append(Line({"train_loss": v, "val_loss": (v * 0.8 + 0.2 * losses[0]) * up}, step=n))
    return lines


def converged_to_a_floor(rng: random.Random) -> Run:
    first = rng.uniform(0.5, 1)
    floor, digits = first * rng.uniform(0.02, 0.4), rng.choice((3, 4, 6))
    return plain(
        [
            round(floor + (first - floor) * math.exp(-n / rng.uniform(8, 9)), digits)
            for n in range(400)
        ]
    )


def step_decay(rng: random.Random) -> Run:
    """The learning rate falls at milestones, and the loss with it."""
    values, level = [], rng.uniform(1.5, 2.5)
    for part in range(4):
        for n in range(80):
            now = level * (0.7 + 0.3 * math.exp(-n / 10))
            values.append(now * math.exp(rng.gauss(0, 0.06)))
        level *= rng.uniform(0.4, 0.7)
        del part
    return plain(values)


def shards_of_kinds(rng: random.Random) -> Run:
    """Shards whose losses differ by their kind of data."""
    levels = {f"shard-{i}": rng.choice((0.6, 1.0, 1.0, 1.7)) for i in range(12)}
    lines, n = [], 0
    values = curve(rng, 12 * 10 * 3)
    for epoch in range(3):
        for name, level in levels.items():
            for _ in range(10):
                lines.append(Line({"loss": values[n] * level}, step=n, epoch=epoch, batch=name))
                n += 1
    return lines


def noisy_batches(rng: random.Random) -> Run:
    values = [v * math.exp(rng.gauss(0, 0.4)) for v in curve(rng, 60 * 6)]
    return [
        Line({"loss": v}, step=n, epoch=n // 60, batch=f"batch-{n % 60}")
        for n, v in enumerate(values)
    ]


def single_spikes(rng: random.Random) -> Run:
    values = curve(rng, 500)
    for _ in range(rng.randint(1, 8)):
        values[rng.randrange(40, 499)] *= rng.uniform(3, 50)
    return plain(values)


def mixed_precision(rng: random.Random) -> Run:
    lines = []
    for n, v in enumerate(curve(rng, 400)):
        norm = rng.lognormvariate(0, 0.5) * (1 + n / 200)
        if n < 5 or rng.random() < 0.004:
            norm = math.inf
        elif rng.random() < 0.01:
            norm *= 30
        lines.append(Line({"loss": v, "grad_norm": norm}, step=n))
    return lines


def repeated_postfix(rng: random.Random) -> Run:
    """A progress bar that shows the last loss again until there is a new one."""
    lines, n = [], 0
    for v in curve(rng, 60):
        for _ in range(rng.randint(5, 30)):
            lines.append(Line({"loss": round(v, 4)}, step=n))
            n += 1
    return lines


def loaded_machine(rng: random.Random) -> Run:
    """Steps that other load makes twice as slow for a while."""
    lines = plain(curve(rng, 600))
    for n, line in enumerate(lines):
        busy = 1.9 if (n // 80) % 2 else 1.0
        line.after_s = 0.25 * busy * rng.uniform(0.8, 1.25)
    return lines


def checkpoints(rng: random.Random) -> Run:
    lines: Run = []
    for n, v in enumerate(curve(rng, 200)):
        lines.append(Line({"loss": v}, step=n))
        if n % 20 == 19:
            name = f"ckpt-{n}.pt"
            text = f"saved checkpoint {name} size_mb=12.{rng.randint(0, 9)}"
            lines.append(Line({"size_mb": 12.3}, step=n, saved=name, text=text))
            text = f"evaluated {name} val_acc={0.5 + n / 500:.3f}"
            lines.append(Line({"val_acc": 0.5 + n / 500}, step=n, text=text))
    return lines


def input_statistics(rng: random.Random) -> Run:
    return [
        Line(
            {"loss": v, "input_mean": rng.gauss(0.1, 0.02), "input_std": rng.gauss(1, 0.03)},
            step=n,
        )
        for n, v in enumerate(curve(rng, 300))
    ]


def data_time(rng: random.Random) -> Run:
    lines = []
    for n, v in enumerate(curve(rng, 300)):
        data = rng.lognormvariate(math.log(0.01), 0.6) * (20 if n % 50 == 0 else 1)
        lines.append(Line({"loss": v, "data_time": data, "batch_time": 0.1 + data}, step=n))
    return lines


# Ill runs: the fault begins at line `at`, which is the first item of what they answer.


Ill = Callable[[random.Random], tuple[int, Run]]


def _at(rng: random.Random, lines: int) -> int:
    return rng.randint(lines // 4, 3 * lines // 4)


def turns_nan(rng: random.Random) -> tuple[int, Run]:
    values = curve(rng, 300)
    at = _at(rng, 300)
    return at, plain(values[:at] + [rng.choice((math.nan, math.inf))] * (300 - at))


def diverges(rng: random.Random) -> tuple[int, Run]:
    """Grows by a factor at each value, and may level off high above."""
    values = curve(rng, 400)
    at = _at(rng, 400)
    factor, top = rng.uniform(1.05, 2), values[0] * 10 ** rng.uniform(0.7, 6)
    for n in range(at, 400):
        level = min(values[at - 1] * factor ** (n - at), top)
        values[n] = level * math.exp(rng.gauss(0, 0.1))
    return at, plain(values)


def falls_to_chance(rng: random.Random) -> tuple[int, Run]:
    values = curve(rng, 500, first=2.3, last=rng.uniform(0.1, 0.6))
    at = _at(rng, 500)
    return at, plain(values[:at] + [2.303 + abs(rng.gauss(0, 0.02)) for _ in range(500 - at)])


def spikes(rng: random.Random) -> tuple[int, Run]:
    values = curve(rng, 400)
    at = _at(rng, 400)
    high, tau = rng.uniform(8, 60), rng.uniform(10, 40)
    for n in range(at, 400):
        values[n] *= 1 + high * math.exp(-(n - at) / tau)
    return at, plain(values)


def gradients_explode(rng: random.Random) -> tuple[int, Run]:
    at, factor = _at(rng, 300), 10 ** rng.uniform(1.5, 5)
    lines = []
    for n, v in enumerate(curve(rng, 300)):
        norm = rng.lognormvariate(0, 0.4) * (factor if n >= at else 1)
        lines.append(Line({"loss": v * (2 if n >= at else 1), "grad_norm": norm}, step=n))
    return at, lines


def freezes(rng: random.Random) -> tuple[int, Run]:
    """A learning rate of zero: the loss of whole batches doesn't move at all any more."""
    first, tau = rng.uniform(1, 5), rng.uniform(80, 300)
    at = rng.randint(40, 120)
    values = [round(first * math.exp(-min(n, at) / tau), 6) for n in range(400)]
    return at, plain(values)


def freezes_in_noise(rng: random.Random) -> tuple[int, Run]:
    at, slope, noise = rng.randint(140, 180), rng.uniform(0.0015, 0.003), rng.uniform(0.003, 0.015)
    values = [2.3 * (1 - slope * min(n, at)) * (1 + rng.gauss(0, noise)) for n in range(500)]
    return at, plain(values)


def never_learns(rng: random.Random) -> tuple[int, Run]:
    level = math.log(rng.choice((2, 3, 10, 100)))
    return 0, plain([level * (1 + rng.gauss(0, 0.005)) for _ in range(300)])


def overfits(rng: random.Random) -> tuple[int, Run]:
    at, up = rng.randint(8, 20), rng.uniform(0.03, 0.1)
    lines = []
    for n in range(90):
        train = 2 * math.exp(-n / 10) + 0.01
        val = 2 * math.exp(-min(n, at) / 10) + 0.3 + up * max(n - at, 0)
        numbers = {"train_loss": train, "val_loss": val * math.exp(rng.gauss(0, 0.04))}
        lines.append(Line(numbers, step=n, epoch=n))
    return at, lines


def hangs(rng: random.Random) -> tuple[int, Run]:
    lines = plain(curve(rng, 100))
    at = _at(rng, 100)
    lines[at].after_s, lines[at].cores = 50, 0.0
    return at, lines[: at + 1]


def hangs_busily(rng: random.Random) -> tuple[int, Run]:
    lines = plain(curve(rng, 100))
    at = _at(rng, 100)
    lines[at].after_s = 70
    return at, lines[: at + 1]


def slows(rng: random.Random) -> tuple[int, Run]:
    at, factor = _at(rng, 300), rng.uniform(4, 12)
    lines = plain(curve(rng, 300))
    for n, line in enumerate(lines):
        line.after_s = 0.15 * rng.uniform(0.8, 1.25) * (factor if n >= at else 1)
    return at, lines


def starves(rng: random.Random) -> tuple[int, Run]:
    """It waits for data, and says so."""
    at, factor = _at(rng, 300), rng.uniform(4, 12)
    lines = []
    for n, v in enumerate(curve(rng, 300)):
        data = 0.01 * rng.uniform(0.7, 1.4) + (0.1 * factor if n >= at else 0)
        numbers = {"loss": v, "data_time": data, "step_time": data + 0.1}
        lines.append(Line(numbers, step=n, after_s=data + 0.1))
    return at, lines


def starves_silently(rng: random.Random) -> tuple[int, Run]:
    at, factor = _at(rng, 300), rng.uniform(4, 12)
    lines = plain(curve(rng, 300))
    for n, line in enumerate(lines):
        line.after_s = 0.15 * rng.uniform(0.8, 1.25) * (factor if n >= at else 1)
        line.cores = 0.1 if n >= at else 1.0
    return at, lines


def leaks(rng: random.Random) -> tuple[int, Run]:
    at, rate = rng.randint(100, 300), rng.uniform(1, 6)
    lines = plain(curve(rng, 1200))
    for n, line in enumerate(lines):
        line.after_s = 0.1
        line.memory_mb = 300 + rate * max(n - at, 0) + rng.gauss(0, 4)
    return at, [line for line in lines if line.memory_mb < 1020]


def fills_the_disk(rng: random.Random) -> tuple[int, Run]:
    at, rate = rng.randint(100, 300), rng.uniform(2, 40)
    lines = plain(curve(rng, 1200))
    for n, line in enumerate(lines):
        line.after_s = 0.2
        line.disk_mb = 80 + rate * (max(n - at, 0) // 5 * 5)
    return at, [line for line in lines if line.disk_mb < 1020]


def _sharded(rng: random.Random, bad: str, first_epoch: int, lines_each: int) -> tuple[int, Run]:
    factor, nan = rng.uniform(4, 50), rng.random() < 0.5
    lines: Run = []
    at = -1
    values = curve(rng, 20 * 4 * lines_each)
    for n, v in enumerate(values):
        epoch, place = divmod(n, 20 * lines_each)
        name = f"shard-{place // lines_each:02}"
        value = v
        if name == bad and epoch >= first_epoch:
            at = n if at < 0 else at
            value = math.nan if nan else v * factor
        lines.append(Line({"loss": value}, step=n, epoch=epoch, batch=name))
    return at, lines


def bad_shard(rng: random.Random) -> tuple[int, Run]:
    return _sharded(rng, f"shard-{rng.randint(3, 16):02}", rng.randint(0, 2), rng.randint(4, 12))


def bad_single_batch(rng: random.Random) -> tuple[int, Run]:
    return _sharded(rng, f"shard-{rng.randint(10, 16):02}", 1, 1)


def batch_poisons(rng: random.Random) -> tuple[int, Run]:
    """A batch after which all is NaN."""
    at, lines = _sharded(rng, f"shard-{rng.randint(5, 16):02}", 1, rng.randint(1, 4))
    for line in lines[at:]:
        line.numbers = {"loss": math.nan}
    return at, lines


def shifts(rng: random.Random) -> tuple[int, Run]:
    """From one shard on all data is of another kind; the learning rate is printed."""
    values, each = curve(rng, 600), 20
    at, factor = rng.randint(8, 20) * each, rng.uniform(2, 5)
    lines = []
    for n, v in enumerate(values):
        numbers = {"loss": v * (factor if n >= at else 1), "lr": 0.001}
        lines.append(Line(numbers, step=n, batch=f"shard-{n // each}"))
    return at, lines


def shifts_unnamed(rng: random.Random) -> tuple[int, Run]:
    at, factor = rng.randint(200, 400), rng.uniform(2, 5)
    values = curve(rng, 800)
    return at, plain([v * (factor if n >= at else 1) for n, v in enumerate(values)])


def inputs_shift(rng: random.Random) -> tuple[int, Run]:
    at, by = _at(rng, 300), rng.choice((-1, 1)) * rng.uniform(0.4, 5)
    lines = []
    for n, v in enumerate(curve(rng, 300)):
        mean = rng.gauss(0.1, 0.02) + (by if n >= at else 0)
        lines.append(Line({"loss": v, "input_mean": mean}, step=n))
    return at, lines


def leaked(rng: random.Random) -> tuple[int, Run]:
    at, percent = rng.randint(10, 30), rng.choice((1, 100))
    lines = []
    for n in range(50):
        good = 0.3 + 0.4 * (1 - math.exp(-n / 5))
        loss = 2.3 * (0.3 + 0.7 * math.exp(-n / 6))
        val = rng.uniform(0.97, 1) if n >= at else good + rng.gauss(0, 0.01)
        numbers = {"train_loss": loss, "val_acc": val * percent}
        if percent == 1:
            numbers["train_acc"] = good + 0.04
        lines.append(Line(numbers, step=n, epoch=n))
    return at, lines


def validation_falls_to_chance(rng: random.Random) -> tuple[int, Run]:
    at = rng.randint(15, 35)
    lines = []
    for n in range(60):
        loss = 2.3 * math.exp(-n / 8) + 0.1
        val = 0.1 + 0.75 * (1 - math.exp(-n / 6)) if n < at else 0.1
        numbers = {
            "train_loss": loss * math.exp(rng.gauss(0, 0.02)),
            "val_loss": (loss * 1.2 if n < at else 2.5) * math.exp(rng.gauss(0, 0.03)),
            "val_acc": val + rng.gauss(0, 0.01),
        }
        lines.append(Line(numbers, step=n, epoch=n))
    return at, lines


def reevaluated(rng: random.Random) -> tuple[int, Run]:
    lines = checkpoints(rng)
    again = [line for line in lines if line.text.startswith("evaluated")]
    second = rng.choice(again)
    value = second.numbers["val_acc"] - rng.uniform(0.05, 0.4)
    text = second.text.split(" val_acc")[0].replace("evaluated", "re-evaluated")
    at = lines.index(second) + 1
    lines.insert(at, Line({"val_acc": value}, text=f"{text} val_acc={value:.3f}"))
    return at, lines


def truncated_checkpoint(rng: random.Random) -> tuple[int, Run]:
    lines = checkpoints(rng)
    saves = [n for n, line in enumerate(lines) if line.saved][3:]
    at = rng.choice(saves)
    lines[at].numbers = {"size_mb": rng.uniform(0, 5)}
    return at, lines


ILL: dict[str, tuple[Ill, tuple[str, ...]]] = {
    "turns_nan": (turns_nan, ("not_finite",)),
    "diverges": (diverges, ("diverged",)),
    "falls_to_chance": (falls_to_chance, ("diverged",)),
    "spikes": (spikes, ("loss_spike",)),
    "gradients_explode": (gradients_explode, ("gradient_explosion",)),
    "freezes": (freezes, ("plateau",)),
    "freezes_in_noise": (freezes_in_noise, ("plateau",)),
    "never_learns": (never_learns, ("plateau",)),
    "overfits": (overfits, ("overfitting",)),
    "hangs": (hangs, ("stalled",)),
    "hangs_busily": (hangs_busily, ("stalled",)),
    "slows": (slows, ("slowed",)),
    "starves": (starves, ("data_starved",)),
    "starves_silently": (starves_silently, ("data_starved",)),
    "leaks": (leaks, ("memory_rising",)),
    "fills_the_disk": (fills_the_disk, ("disk_filling",)),
    "bad_shard": (bad_shard, ("corrupt_batch",)),
    "bad_single_batch": (bad_single_batch, ("corrupt_batch",)),
    "batch_poisons": (batch_poisons, ("corrupt_batch",)),
    "shifts": (shifts, ("shifted_data",)),
    "shifts_unnamed": (shifts_unnamed, ("shifted_data",)),
    "inputs_shift": (inputs_shift, ("shifted_data",)),
    "leaked": (leaked, ("metric_jump",)),
    "validation_falls_to_chance": (
        validation_falls_to_chance,
        ("train_validation_contradiction",),
    ),
    "reevaluated": (reevaluated, ("evaluation_disagrees",)),
    "truncated_checkpoint": (truncated_checkpoint, ("bad_checkpoint",)),
}


HEALTHY: dict[str, Make] = {
    make.__name__: make
    for make in (
        noisy, heavy_tails, warm_restarts, cyclic_rate, long_warm_up, silent_evaluations,
        slow_first_step, near_zero, negative, starts_huge, adversarial, reinforcement, variational,
        weight_decay, percent,
        every_few_steps, interleaved, steps_restart, summed, short, evaluations_between,
        memory_levels_off, best_is_infinite, missing_is_nan, dropout, small_validation_set,
        fast_learner, grokking, mild_overfitting, converged_to_a_floor, step_decay,
        shards_of_kinds, noisy_batches, single_spikes, mixed_precision, repeated_postfix,
        loaded_machine, checkpoints, input_statistics, data_time,
    )
}  # fmt: skip


def numbered(runs: dict[str, Make], seeds: range) -> Iterator[tuple[str, int, Run]]:
    """Each run of each kind, the same for the same seed."""
    for name, make in runs.items():
        for seed in seeds:
            yield name, seed, make(random.Random(f"{name} {seed}"))
