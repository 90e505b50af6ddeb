"""`P -m evals.checkpoint_fixtures.record FOLDER`: saves small checkpoints with each library of P.

P is a Python with torch safetensors xgboost lightgbm scikit-learn joblib keras (and tensorflow or
torch behind it) installed. The folder's files are those in tests/inside/checkpoints.
"""

import sys
from pathlib import Path


def torch_files(folder: Path) -> None:
    import torch

    torch.manual_seed(0)
    net = torch.nn.Linear(6, 2)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(3, 6)).sum().backward()
    optimizer.step()
    state = {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "global_step": 120}
    torch.save(state | {"best": float("inf")}, folder / "torch-good.pt")
    torch.save({"model": net.half().state_dict()}, folder / "torch-half-step=7.ckpt")
    with torch.no_grad():
        net.weight[1, 3] = float("nan")
    torch.save(net.bfloat16().state_dict(), folder / "torch-nan.pth")


def safetensors_files(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    good = {"a": torch.ones(4, 3), "b": torch.zeros(2, dtype=torch.bfloat16)}
    save_file(good, folder / "good.safetensors", metadata={"step": "40"})
    save_file(good | {"c": torch.tensor([1.0, float("inf")])}, folder / "inf.safetensors")


def tree_files(folder: Path) -> None:
    import lightgbm
    import numpy as np
    import xgboost

    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 3)), random.integers(3, size=60)
    boosted = xgboost.train(
        {"max_depth": 2, "objective": "multi:softprob", "num_class": 3, "nthread": 1},
        xgboost.DMatrix(x, y),
        num_boost_round=3,
    )
    boosted.save_model(folder / "xgboost-text.json")
    boosted.save_model(folder / "xgboost.ubj")
    options = {"num_leaves": 3, "objective": "multiclass", "num_class": 3, "verbose": -1}
    lightgbm.train(options, lightgbm.Dataset(x, y), num_boost_round=2).save_model(
        folder / "lightgbm.txt"
    )


def sklearn_files(folder: Path) -> None:
    import pickle

    import joblib
    import numpy as np
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import SGDClassifier

    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 3)), random.integers(2, size=40)
    model = SGDClassifier(random_state=0).fit(x, y)
    joblib.dump({"model": model, "step": 15, "names": np.array(["a", 1], dtype=object)},
                folder / "sklearn.joblib")  # fmt: skip
    joblib.dump({"model": model, "step": 15}, folder / "sklearn-zlib.joblib", compress=3)
    model.coef_[0, 1] = np.nan
    joblib.dump({"model": model, "step": 16}, folder / "sklearn-nan.joblib")
    trees = GradientBoostingRegressor(n_estimators=2, max_depth=1, random_state=0).fit(x, y)
    for protocol in (2, 4, 5):
        content = pickle.dumps({"model": trees, "step": 2}, protocol)
        (folder / f"sklearn-{protocol}.pkl").write_bytes(content)


def keras_files(folder: Path) -> None:
    import keras

    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    net.save(folder / "keras.keras")
    net.save_weights(folder / "keras.weights.h5")


def main() -> None:
    """Saves them all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for save in (torch_files, safetensors_files, tree_files, sklearn_files, keras_files):
        save(folder)


if __name__ == "__main__":
    main()
