import logging

import hydra
import numpy as np
from omegaconf import DictConfig

log = logging.getLogger(__name__)


def spirals(n, noise, rng):
    t = np.sqrt(rng.uniform(0, 1, n)) * 3 * np.pi
    y = rng.integers(0, 2, n)
    angle = t + np.pi * y
    x = np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1) / 10
    return x + rng.normal(0, noise / 10, x.shape), y


def forward(w, x, activation):
    f = np.tanh if activation == "tanh" else lambda z: np.maximum(0, z)
    h1 = f(x @ w["w1"] + w["b1"])
    h2 = f(h1 @ w["w2"] + w["b2"])
    return h1, h2, 1 / (1 + np.exp(-(h2 @ w["w3"] + w["b3"]).ravel()))


def gradients(w, x, y, activation):
    h1, h2, p = forward(w, x, activation)
    slope = (lambda h: 1 - h * h) if activation == "tanh" else (lambda h: (h > 0) * 1.0)
    d3 = ((p - y) / len(y))[:, None]
    d2 = d3 @ w["w3"].T * slope(h2)
    d1 = d2 @ w["w2"].T * slope(h1)
    return {
        "w3": h2.T @ d3, "b3": d3.sum(0), "w2": h1.T @ d2, "b2": d2.sum(0),
        "w1": x.T @ d1, "b1": d1.sum(0),
    }


def cross_entropy(p, y):
    return -np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    world = np.random.default_rng(99)
    x, y = spirals(cfg.points, cfg.noise, world)
    vx, vy = spirals(cfg.points, cfg.noise, world)
    rng = np.random.default_rng(cfg.seed)
    n = cfg.model.width
    w = {
        "w1": rng.normal(0, 1, (2, n)), "b1": np.zeros(n),
        "w2": rng.normal(0, n**-0.5, (n, n)), "b2": np.zeros(n),
        "w3": rng.normal(0, n**-0.5, (n, 1)), "b3": np.zeros(1),
    }
    m = {k: np.zeros_like(v) for k, v in w.items()}
    s = {k: np.zeros_like(v) for k, v in w.items()}
    for step in range(1, cfg.steps + 1):
        grad = gradients(w, x, y, cfg.model.activation)
        for k in w:
            g = grad[k] + cfg.optim.l2 * w[k]
            m[k] = cfg.optim.beta1 * m[k] + (1 - cfg.optim.beta1) * g
            s[k] = cfg.optim.beta2 * s[k] + (1 - cfg.optim.beta2) * g * g
            mean = m[k] / (1 - cfg.optim.beta1**step)
            square = s[k] / (1 - cfg.optim.beta2**step)
            w[k] -= cfg.optim.lr * mean / (np.sqrt(square) + 1e-8)
        if step % cfg.log_every == 0:
            train = cross_entropy(forward(w, x, cfg.model.activation)[2], y)
            valid = cross_entropy(forward(w, vx, cfg.model.activation)[2], vy)
            log.info("step %d train/loss %.4f valid/loss %.4f", step, train, valid)


if __name__ == "__main__":
    main()
