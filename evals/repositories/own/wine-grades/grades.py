import csv

import click
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


@click.group()
def cli():
    """Wine cultivars by their chemistry."""


@cli.command()
@click.option("--trees", default=10, show_default=True, help="Trees in the forest.")
@click.option("--max-depth", default=2, show_default=True, help="Deepest level of a tree.")
@click.option("--max-features", type=click.Choice(["sqrt", "log2", "all"]), default="all")
@click.option("--min-leaf", default=8, show_default=True, help="Fewest wines in a leaf.")
@click.option("--seed", default=0)
@click.option("--output", type=click.Path(), default="predictions.csv")
def fit(trees, max_depth, max_features, min_leaf, seed, output):
    """Fit a forest and write predictions for the kept-aside wines."""
    data = load_wine()
    rows = range(len(data.target))
    train, kept = train_test_split(rows, test_size=0.4, random_state=7, stratify=data.target)
    model = RandomForestClassifier(
        n_estimators=trees,
        max_depth=max_depth,
        max_features=None if max_features == "all" else max_features,
        min_samples_leaf=min_leaf,
        random_state=seed,
    )
    model.fit(data.data[train], data.target[train])
    chances = model.predict_proba(data.data[kept])
    with open(output, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "label", "prediction", "p0", "p1", "p2"])
        for row, p in zip(kept, chances):
            writer.writerow([row, data.target[row], p.argmax(), *(f"{v:.5f}" for v in p)])
    click.echo(f"wrote {output}")


@cli.command()
def describe():
    """Show what the data holds."""
    data = load_wine()
    click.echo(f"{len(data.target)} wines, {data.data.shape[1]} measurements")


if __name__ == "__main__":
    cli()
