"""Runs in which nothing is wrong, of varied health: what a supervisor cries wolf about."""

from labcrew.domain.base import Model

SORTS: tuple[tuple[str, str, str, str], ...] = (
    # name, program, data, options
    ("plain", "numpy_network", "digits", ""),
    ("plain", "sklearn_sgd", "breast_cancer", ""),
    ("plain", "boosting", "diabetes", ""),
    ("plain", "torch_net", "digits", ""),
    ("noisy", "numpy_network", "digits", "--batch 4 --rate 0.03"),
    ("noisy", "sklearn_sgd", "wine", "--batch 2"),
    ("odd batches", "numpy_network", "digits", "--odd 0.03"),
    ("odd batches", "sklearn_sgd", "breast_cancer", "--odd 0.04"),
    ("warm restarts", "numpy_network", "digits", "--schedule restarts --rate 0.1"),
    ("warm restarts", "sklearn_sgd", "breast_cancer", "--schedule restarts --rate 0.02"),
    ("cyclic rate", "numpy_network", "digits", "--schedule cyclic --rate 0.12"),
    ("cyclic rate", "torch_net", "digits", "--schedule cyclic --rate 0.008"),
    ("long warm-up", "numpy_network", "digits", "--schedule warmup"),
    ("long warm-up", "sklearn_sgd", "breast_cancer", "--schedule warmup --rate 0.001"),
    ("cosine", "boosting", "diabetes", "--schedule cosine"),
    ("rate in steps", "numpy_network", "digits", "--schedule steps --rate 0.08"),
    ("long silent evaluation", "numpy_network", "digits", "--evaluation 1.5 --evaluate-every 80"),
    ("long silent evaluation", "boosting", "diabetes", "--evaluation 2 --evaluate-every 70"),
    ("very short", "numpy_network", "digits", "--steps 12 --evaluate-every 6"),
    ("very short", "sklearn_sgd", "wine", "--steps 8 --evaluate-every 4"),
    ("loss near zero", "numpy_network", "wine", "--rate 0.1"),
    ("loss near zero", "sklearn_sgd", "wine", "--rate 0.03"),
    ("big first loss", "numpy_network", "digits", "--scale 4 --rate 0.02"),
    ("big first loss", "boosting", "diabetes", "--scale 6 --rate 0.08"),
    ("few validation rows", "numpy_network", "wine", "--validation-rows 12"),
    ("few validation rows", "sklearn_sgd", "breast_cancer", "--validation-rows 10"),
    ("two step times", "numpy_network", "digits", "--stutter 0.05"),
    ("two step times", "sklearn_sgd", "breast_cancer", "--stutter 0.04"),
    ("memory that levels off", "numpy_network", "digits", "--cache-mb 90"),
    ("memory that levels off", "sklearn_sgd", "breast_cancer", "--cache-mb 60"),
    ("few lines", "numpy_network", "digits", "--every 20"),
    ("few lines", "boosting", "diabetes", "--every 10"),
    ("slow", "sklearn_sgd", "breast_cancer", "--pace 0.05 --steps 60"),
    ("converged early", "boosting", "diabetes", "--rate 0.15"),
    ("slow learner", "numpy_network", "digits", "--rate 0.004"),
    ("dear checkpoints", "numpy_network", "digits", "--save-every 5"),
)


class Clean(Model):
    """One clean run."""

    name: str
    sort: str
    program: str
    dataset: str
    options: str
    seed: int


def clean_runs(count: int) -> list[Clean]:
    """The first so many clean runs, all sorts in turn, each turn with a seed of its own."""
    runs = []
    for number in range(count):
        turn, place = divmod(number, len(SORTS))
        sort, program, dataset, options = SORTS[place]
        runs.append(
            Clean(
                name=f"{number:03d}-{sort.replace(' ', '-')}-{program}",
                sort=sort,
                program=program,
                dataset=dataset,
                options=options,
                seed=10_000 + turn,
            )
        )
    return runs
