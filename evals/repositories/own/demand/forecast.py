"""Fits on three quarters of the series, then walks through the last quarter hour by hour."""

import numpy as np

from settings import Settings

HOURS = 24 * 90


def series(rng):
    t = np.arange(HOURS)
    day = 20 * np.sin(2 * np.pi * t / 24) + 8 * np.cos(4 * np.pi * t / 24)
    week = 10 * ((t // 24) % 7 >= 5)
    noise = np.zeros(HOURS)
    for i in range(1, HOURS):
        noise[i] = 0.7 * noise[i - 1] + rng.normal(0, 3)
    return 100 + day - week + noise


def features(values, settings):
    t = np.arange(settings.lags, len(values))
    columns = [values[t - lag] for lag in range(1, settings.lags + 1)]
    if settings.season:
        for k in (1, 2):
            columns += [50 * np.sin(2 * np.pi * k * t / 24), 50 * np.cos(2 * np.pi * k * t / 24)]
    columns.append(np.full(len(t), 50.0))
    return np.stack(columns, axis=1), values[t]


def main():
    settings = Settings()
    values = series(np.random.default_rng(2024))
    x, y = features(values, settings)
    cut = int(len(y) * 0.75)
    keep = np.random.default_rng(settings.seed).random(cut) < 0.8
    weight = settings.decay ** np.arange(cut)[::-1] * keep
    gram = x[:cut].T @ (x[:cut] * weight[:, None])
    gram += settings.penalty * np.eye(x.shape[1])
    beta = np.linalg.solve(gram, x[:cut].T @ (weight * y[:cut]))
    error = np.abs(x[cut:] @ beta - y[cut:])
    print(f"lags={settings.lags} penalty={settings.penalty:g}")
    print(f"Training MAE: {np.abs(x[:cut] @ beta - y[:cut]).mean():.4f}")
    print(f"Validation MAE: {error.mean():.4f}")
    print(f"Validation worst hour: {error.max():.4f}")


if __name__ == "__main__":
    main()
