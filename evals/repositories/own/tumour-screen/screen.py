import configparser
import sys

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss, roc_auc_score


def main(path):
    config = configparser.ConfigParser()
    with open(path) as file:
        config.read_file(file)
    data, training = config["data"], config["training"]

    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.RandomState(data.getint("shuffle_seed")).permutation(len(y))
    x, y = x[order], y[order]
    n_dev = int(len(y) * data.getfloat("dev_share"))
    dev_x, dev_y, x, y = x[:n_dev], y[:n_dev], x[n_dev:], y[n_dev:]
    mean, scale = x.mean(0), x.std(0)
    x, dev_x = (x - mean) / scale, (dev_x - mean) / scale

    rng = np.random.RandomState(training.getint("seed"))
    w, b = rng.normal(0, 0.3, x.shape[1]), 0.0
    rate, l2 = training.getfloat("step_size"), training.getfloat("l2")
    malignant = training.getfloat("class_weight")
    for epoch in range(training.getint("epochs")):
        for i in rng.permutation(len(y)):
            p = 1 / (1 + np.exp(-(x[i] @ w + b)))
            g = (p - y[i]) * (malignant if y[i] == 0 else 1.0)
            w -= rate * (g * x[i] + l2 * w)
            b -= rate * g
        p = 1 / (1 + np.exp(-(dev_x @ w + b)))
        print("epoch", epoch, "dev loss", round(log_loss(dev_y, p), 5))
    print("dev AUC =", round(roc_auc_score(dev_y, p), 5))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: screen.py SETTINGS.INI")
    main(sys.argv[1])
