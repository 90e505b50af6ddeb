"""A tiny training run with each library, as a lab would write it; run by record.py."""

_DATA = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(400, 8)).astype("float32")
y = (x[:, 0] + 0.5 * x[:, 1] + 0.1 * rng.normal(size=400) > 0).astype("int64")
"""

PROGRAMS: dict[str, tuple[str, str]] = {
    "transformers": (
        "transformers",
        """
import torch
from torch import nn
from transformers import Trainer, TrainingArguments

torch.manual_seed(0)

class Rows(torch.utils.data.Dataset):
    def __init__(self, n):
        g = torch.Generator().manual_seed(n)
        self.x = torch.randn(n, 8, generator=g)
        self.y = (self.x[:, 0] > 0).long()
    def __len__(self):
        return len(self.x)
    def __getitem__(self, i):
        return {"x": self.x[i], "labels": self.y[i]}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    def forward(self, x, labels=None):
        logits = self.layers(x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

def metrics(found):
    return {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())}

arguments = TrainingArguments(
    output_dir="out", num_train_epochs=2, per_device_train_batch_size=8, logging_steps=5,
    eval_strategy="epoch", save_strategy="epoch", report_to=[], use_cpu=True, learning_rate=0.01,
    log_level="info",
)
Trainer(Net(), arguments, train_dataset=Rows(160), eval_dataset=Rows(40),
        compute_metrics=metrics).train()
""",
    ),
    "lightning": (
        "lightning",
        """
import torch, lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from torch.utils.data import DataLoader, TensorDataset

L.seed_everything(0)

class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 1)
    def training_step(self, batch, i):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss, prog_bar=True)
        return loss
    def validation_step(self, batch, i):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("val_loss", loss, prog_bar=True)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)

x = torch.randn(320, 8)
data = DataLoader(TensorDataset(x, x[:, :1] * 2), batch_size=16)
L.Trainer(
    max_epochs=3, accelerator="cpu", logger=False, default_root_dir="out", BAR
    callbacks=[CALLBACKModelCheckpoint(dirpath="out", monitor="val_loss", verbose=True)],
).fit(Net(), data, data)
""".replace("BAR", "").replace("CALLBACK", "TQDMProgressBar(refresh_rate=5), "),
    ),
    "lightning_rich": (
        "lightning",
        """
import torch, lightning as L
from lightning.pytorch.callbacks import RichProgressBar
from rich import reconfigure
from torch.utils.data import DataLoader, TensorDataset

reconfigure(force_terminal=True, width=140)  # as with FORCE_COLOR in a container
L.seed_everything(0)

class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 1)
    def training_step(self, batch, i):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss, prog_bar=True)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)

x = torch.randn(320, 8)
data = DataLoader(TensorDataset(x, x[:, :1] * 2), batch_size=16)
L.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
          default_root_dir="out", callbacks=[RichProgressBar(refresh_rate=10)]).fit(Net(), data)
""",
    ),
    "keras": (
        "keras",
        _DATA
        + """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras

keras.utils.set_random_seed(0)
net = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(8, activation="relu"),
                        keras.layers.Dense(1, activation="sigmoid")])
net.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
saving = keras.callbacks.ModelCheckpoint("out.keras", save_best_only=True, verbose=1)
rate = keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=1.0, verbose=1)
net.fit(x, y, epochs=3, batch_size=32, validation_split=0.2, callbacks=[saving, rate])
net.fit(x, y, epochs=2, batch_size=32, validation_split=0.2, verbose=2)
""",
    ),
    "xgboost": (
        "xgboost",
        _DATA
        + """
import xgboost
train, held = xgboost.DMatrix(x[:300], y[:300]), xgboost.DMatrix(x[300:], y[300:])
xgboost.train({"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "seed": 0},
              train, 12, evals=[(train, "train"), (held, "eval")], early_stopping_rounds=5)
xgboost.XGBRegressor(n_estimators=5, eval_metric="rmse").fit(
    x[:300], y[:300], eval_set=[(x[300:], y[300:])])
""",
    ),
    "lightgbm": (
        "lightgbm",
        _DATA
        + """
import lightgbm
train = lightgbm.Dataset(x[:300], y[:300])
held = lightgbm.Dataset(x[300:], y[300:], reference=train)
lightgbm.train({"objective": "binary", "metric": ["binary_logloss", "auc"], "seed": 0}, train, 12,
               valid_sets=[train, held], callbacks=[
                   lightgbm.log_evaluation(1), lightgbm.early_stopping(5)])
""",
    ),
    "catboost": (
        "catboost",
        _DATA
        + """
import catboost
catboost.CatBoostClassifier(iterations=12, random_seed=0, allow_writing_files=False).fit(
    x[:300], y[:300], eval_set=(x[300:], y[300:]))
""",
    ),
    "sklearn": (
        "scikit-learn",
        _DATA
        + """
import warnings
warnings.simplefilter("ignore")
from sklearn.neural_network import MLPClassifier
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_iterative_imputer
from sklearn.impute import IterativeImputer
from sklearn.linear_model import SGDClassifier, LogisticRegression
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from sklearn.svm import SVC

MLPClassifier((8,), max_iter=8, verbose=True, random_state=0, early_stopping=True).fit(x, y)
GradientBoostingRegressor(n_estimators=12, subsample=0.8, verbose=2, random_state=0).fit(x, y)
GradientBoostingRegressor(n_estimators=5, verbose=1, random_state=0).fit(x, y)
SGDClassifier(max_iter=4, verbose=1, random_state=0).fit(x, y)
KMeans(2, n_init=1, verbose=1, random_state=0).fit(x)
GaussianMixture(2, verbose=2, verbose_interval=1, random_state=0).fit(x)
holes = x.copy(); holes[::7, 0] = np.nan
IterativeImputer(max_iter=3, verbose=2, random_state=0).fit(holes)
HistGradientBoostingRegressor(max_iter=4, verbose=1, random_state=0).fit(x, y)
SVC(verbose=True).fit(x, y)
RandomForestClassifier(20, verbose=1, random_state=0).fit(x, y)
""",
    ),
    "tqdm": (
        "tqdm",
        """
import math, time
from tqdm import tqdm, trange
for epoch in range(2):
    bar = tqdm(range(40), desc=f"Epoch {epoch}", mininterval=0.02)
    for i in bar:
        time.sleep(0.005)
        bar.set_postfix(loss=1 / (1 + i + 40 * epoch), lr=1e-3, acc=f"{i / 40:.2%}")
slow = trange(3, unit="shard")
for i in slow:
    time.sleep(1.1)
    slow.set_postfix({"loss": math.nan if i == 2 else 0.5})
""",
    ),
    "plain": (
        "torch",
        """
import logging, sys, json, math
import torch
torch.manual_seed(0)
logging.basicConfig(level=logging.INFO, format="%(asctime)s - %(levelname)s - %(message)s")
net = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(64, 4); y = x.sum(1, keepdim=True)
for epoch in range(1, 4):
    for step in range(5):
        loss = torch.nn.functional.mse_loss(net(x), y)
        optimizer.zero_grad(); loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        print(f"epoch {epoch}/3 step {step + 1}/5 train loss {loss:.4f} grad norm {norm:.3f}")
    print(f"Epoch {epoch}: val loss {loss.item():.4f}, val acc {90 + epoch}.5%")
    print("loss:", loss)
    logging.info("epoch=%d train_loss=%.5f lr=%.1e", epoch, loss.item(), 0.1)
    print(json.dumps({"epoch": epoch, "train": {"loss": loss.item()}, "grad": math.nan}))
    torch.save(net.state_dict(), f"net-{epoch}.pt")
    print(f"saved checkpoint to out/net-{epoch}.pt", flush=True)
raise ValueError("the third epoch is enough")
""",
    ),
}
"""File name → (package, program)."""

TENSORBOARD = """
import sys, math
from {module} import SummaryWriter
writer = SummaryWriter(sys.argv[1])
for step in range(20):
    writer.add_scalar("train/loss", 1 / (1 + step), step)
    writer.add_scalar("val/accuracy", step / 20, step)
writer.add_scalar("train/loss", math.nan, 20)
writer.add_text("notes", "not a number", 20)
writer.add_histogram("weights", __import__("numpy").arange(10.0), 20)
writer.close()
"""
"""Writes an event file into the folder that is its argument."""
