import argparse

import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser(description="Orders that come back")
parser.add_argument("--C", type=float, default=0.005)
parser.add_argument("--threshold", type=float, default=0.6)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

x, y = make_classification(3000, 20, n_informative=6, weights=[0.8], flip_y=0.05, random_state=4)
x, vx, y, vy = train_test_split(x, y, test_size=0.4, random_state=4, stratify=y)
rows = np.random.default_rng(args.seed).choice(len(y), int(0.9 * len(y)), replace=False)
model = LogisticRegression(C=args.C).fit(x[rows], y[rows])
chosen = model.predict_proba(vx)[:, 1] > args.threshold
print(f"val_f1: {f1_score(vy, chosen):.4f}")
