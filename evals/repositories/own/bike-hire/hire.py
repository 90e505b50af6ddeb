import numpy as np

N_STUMPS = 40
SHRINKAGE = 0.05
MIN_SIDE = 30
TEST_DAYS = 200
SEED = 0


def days(count=800):
    rng = np.random.default_rng(17)
    temperature = rng.normal(14, 8, count)
    rain = rng.exponential(2, count)
    wind = rng.gamma(2, 2, count)
    weekend = rng.integers(0, 2, count) * (rng.random(count) < 0.6)
    hires = (
        300 + 12 * temperature - 0.35 * (temperature - 20) ** 2
        - 25 * np.minimum(rain, 6) - 4 * wind + 40 * weekend * (rain < 1)
    )
    x = np.stack([temperature, rain, wind, weekend], axis=1)
    return x, hires + rng.normal(0, 25, count)


def best_stump(x, residual, rng):
    rows = rng.choice(len(x), size=len(x) // 2, replace=False)
    x, residual = x[rows], residual[rows]
    best = (np.inf, 0, 0.0, 0.0, 0.0)
    for column in range(x.shape[1]):
        for cut in np.quantile(x[:, column], np.linspace(0.05, 0.95, 19)):
            left = x[:, column] <= cut
            if min(left.sum(), (~left).sum()) < MIN_SIDE:
                continue
            a, b = residual[left].mean(), residual[~left].mean()
            loss = ((residual - np.where(left, a, b)) ** 2).sum()
            if loss < best[0]:
                best = (loss, column, cut, a, b)
    return best[1:]


def apply(stump, x):
    column, cut, a, b = stump
    return np.where(x[:, column] <= cut, a, b)


x, y = days()
train_x, train_y = x[:-TEST_DAYS], y[:-TEST_DAYS]
test_x, test_y = x[-TEST_DAYS:], y[-TEST_DAYS:]
rng = np.random.default_rng(SEED)
base = train_y.mean()
fitted, guess = np.full(len(train_y), base), np.full(len(test_y), base)
for _ in range(N_STUMPS):
    stump = best_stump(train_x, train_y - fitted, rng)
    fitted += SHRINKAGE * apply(stump, train_x)
    guess += SHRINKAGE * apply(stump, test_x)
print("Test RMSE: %.3f" % np.sqrt(np.mean((guess - test_y) ** 2)))
