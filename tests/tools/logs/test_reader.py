"""Lines as programs print them, however they are cut, and however wild they are."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.domain.monitoring import Observation
from tests.effort import assert_proportionate
from tools.logs.line import TEXT_CAP
from tools.logs.reader import LogReader


def read(text: str) -> list[Observation]:
    reader = LogReader()
    return [*reader.feed(text, 1.0), *reader.end(1.0)]


def one(line: str) -> Observation:
    (found,) = read(line)
    return found


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("loss=0.5", {"loss": 0.5}),
        ("train loss: 0.5, val loss: 0.6", {"train_loss": 0.5, "val_loss": 0.6}),
        ("loss is 0.5", {"loss": 0.5}),
        ("Learning rate set to 0.16", {"Learning_rate": 0.16}),
        ("loss nan acc -inf", {"loss": math.nan, "acc": -math.inf}),
        ("val acc 81.2%", {"val_acc": 81.2}),
        ("tokens: 1,234,567", {"tokens": 1234567}),
        ("1,234.5 tokens/s", {"tokens/s": 1234.5}),
        ("loss: tensor(0.5, device='cuda:0')", {"loss": 0.5}),
        ("{'loss': np.float64(0.5), 'lr': 1e-05}", {"loss": 0.5, "lr": 1e-5}),
        ("{'eval': {'f1': 0.2}, 'loss': nan}", {"eval/f1": 0.2, "loss": math.nan}),
        ('{"a": {"b": {"c": NaN}}, "d": -Infinity}', {"a/b/c": math.nan, "d": -math.inf}),
        ('INFO: {"loss": 0.5, "ok": true, "n": null}', {"loss": 0.5}),
        ("valid_1's l2: 0.2\ttop-5: 0.3", {"valid_1's_l2": 0.2, "top-5": 0.3}),
        ("Acc@1 0.5 (0.4) mAP@0.5: 0.3", {"Acc@1": 0.5, "mAP@0.5": 0.3}),
        ("2026-01-02 03:04:05,678 INFO loss: 0.5", {"loss": 0.5}),
        ("\x1b[32mloss\x1b[0m: \x1b[1m0.5\x1b[0m", {"loss": 0.5}),
        ("elapsed 00:01:02 loss 0.5", {"loss": 0.5}),
        ("version 1.2.3 at 10.0.0.1:8080", {}),
        ("loss 12abc", {}),
        (" ", {}),
    ],
)
def test_numbers(line: str, numbers: dict[str, float]) -> None:
    assert dict(one(line).numbers) == pytest.approx(numbers, nan_ok=True)


@pytest.mark.parametrize(
    ("before", "line", "gone"),
    [
        ('{"step": 1, "loss": 2}', '{"step": 2, "loss": null}', {"loss"}),
        ('{"loss": 2, "norm": 1, "best_loss": 2}', '{"loss": null, "best_loss": 2}', {"loss"}),
        ('{"a": {"loss": 2}}', '{"a": {"loss": null}}', {"a/loss"}),
        ('{"loss": 2, "val_loss": 3}', '{"loss": null, "val_loss": null}', {"loss", "val_loss"}),
        # It was no loss, never a number, or the line tells of something else.
        ('{"step": 1, "loss": 2, "lr": 1}', '{"step": 2, "loss": 1, "lr": null}', set()),
        ('{"step": 1, "loss": 2}', '{"step": 2, "total_loss": null}', set()),
        ('{"step": 1, "loss": 2}', '{"step": 2, "loss": null, "val_acc": 0.5}', set()),
        ('{"loss": 2, "val_loss": 3}', '{"loss": 1, "val_loss": null}', set()),
    ],
)
def test_null_is_nan_where_a_loss_stood_beside_the_same(
    before: str, line: str, gone: set[str]
) -> None:
    found = read(f"{before}\n{line}\n")[-1].numbers
    assert {name for name, value in found.items() if math.isnan(value)} == gone


def test_positions() -> None:
    found = one("epoch 2/10 step 30/100 loss 0.5")
    assert (found.epoch, found.step, found.done) == (2, 30, (30, 100))
    found = one("Train Epoch: 1 [640/60000 (1%)]\tLoss: 0.7")
    assert (found.epoch, found.step, found.done) == (1, None, (640, 60000))
    found = one("Epoch: [3][10/500]\tLoss 6.9 (6.8)")
    assert (found.epoch, found.done) == (3, (10, 500))
    assert one('{"global_step": 7, "step": 3, "epoch": 0.25}').step == 7
    assert one("Step: 12,000 loss: 2.0").step == 12000
    assert one("step nan").step is None
    assert one("step 1e300").step is None
    assert one("took 3 s in step 12ms").step is None


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        ("45/100 [00:01<00:02, 30.1it/s]", 30.1),
        ("45/100 [00:01<00:02,  2.00s/it]", 0.5),
        ("3/9 [00:01<00:02,  2.00s/shard]", 0.5),
        ("3/9 ━━━━━ 3s 20ms/step", 50),
        ("0/9 [00:00<?, ?it/s]", None),
    ],
)
def test_rates(line: str, rate: float | None) -> None:
    assert one(line).rate == pytest.approx(rate)


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("Traceback (most recent call last):", "traceback"),
        ("ValueError: bad 12", "error"),
        ("[rank0]: torch.cuda.SomeError: no", "error"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried 2.00 GiB", "out_of_memory"),
        (
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory",
            "out_of_memory",
        ),
        ("MemoryError", "out_of_memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "out_of_memory"),
        ("OSError: [Errno 28] No space left on device", "no_space"),
        ("Killed", "killed"),
        ("mean_absolute_error: 0.5", ""),
        ("Validation Error: 0.5", ""),
        ("Error: 0.5", ""),
        ("RootMeanSquaredError: 0.5", ""),
        ("KeyError: 5", "error"),
        ("out of memory is what we want to avoid", ""),
        ("killed two birds", ""),
    ],
)
def test_trouble(line: str, trouble: str) -> None:
    assert one(line).trouble == trouble
    if trouble:
        assert one(line).numbers == {}


@pytest.mark.parametrize(
    ("line", "saved"),
    [
        ("saved checkpoint to /workspace/out/ck-3.pt", "/workspace/out/ck-3.pt"),
        ("Saving model checkpoint to out/checkpoint-500", "out/checkpoint-500"),
        ("Checkpoint saved: runs/a.ckpt.", "runs/a.ckpt"),
        ("wrote weights to 'net.npz'", "net.npz"),
        ("saving model to '/x/epoch=0-step=10.ckpt' as top 1", "/x/epoch=0-step=10.ckpt"),
        ("could not save checkpoint to a/b.pt", ""),
        ("saved 12 MB of memory", ""),
    ],
)
def test_checkpoints(line: str, saved: str) -> None:
    assert one(line).saved == saved


@pytest.mark.parametrize(
    ("line", "batch"),
    [
        ("reading shard 7 of 20", "shard-7"),
        ("loss=0.5 batch=12", "batch-12"),
        ("batch 3 of 12 shard 2 loss 0.5", "shard-2"),
        ("loading data/train-00012.parquet", "train-00012.parquet"),
        ('{"loss": 0.5, "shard": 3}', "shard-3"),
        ("batch size: 32", ""),
        ("batch_size=32", ""),
    ],
)
def test_batches(line: str, batch: str) -> None:
    assert one(line).batch == batch


def test_rows_of_a_table_take_the_names_of_its_header() -> None:
    *_, last = read("epoch | train_loss | val_acc\n-----|----|----\n1 | 0.5 | 81.0\n2|0.4|82.0\n")
    assert (last.epoch, dict(last.numbers)) == (2, {"epoch": 2, "train_loss": 0.4, "val_acc": 82})
    *_, last = read("step,loss\n1,0.5\n2,nan")
    assert last.step == 2
    assert math.isnan(last.numbers["loss"])
    *_, last = read("nothing here is a header\n1 2 3 4 5\n")
    assert last.numbers == {}


def test_what_could_not_be_read_is_counted_and_shown() -> None:
    reader = LogReader(examples=2)
    found = list(reader.feed("seed to 1\nloss 0.5\nplain\nshape (3, 4)\n7\n", 0))
    assert len(found) == reader.lines == 5
    assert reader.unread == 3
    assert reader.unread_lines == ["seed to 1", "shape (3, 4)"]


def test_lines_names_and_numbers_are_capped() -> None:
    reader = LogReader()
    found = [*reader.feed("x" * 60_000, 0), *reader.feed("y" * 60_000 + "\nloss 1\n", 0)]
    assert [len(f.text) for f in found] == [20_000, 6]
    assert found[1].numbers == {"loss": 1}
    assert all(len(name) <= 80 for name in one("a" * 300 + "=1").numbers)
    assert len(one(" ".join(f"n{'a' * (i % 50)}{i}x=1" for i in range(900))).numbers) <= 200
    assert len(one("{" + ",".join(f'"k{i}": 1' for i in range(900)) + "}").numbers) <= 200


_LINES = st.lists(
    st.sampled_from(
        [
            "loss=0.5", "", "épo\u2028que 3 loss nan", "ValueError: é", '{"a": 1}', "1 2",
            "step loss",
            "10%|█   | 1/10 [00:01<00:09, 1.0it/s, loss=3]",
        ]
    ),
    max_size=12,
)  # fmt: skip


@given(_LINES, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 400)), st.booleans())
def test_where_chunks_are_cut_does_not_matter(
    lines: list[str], end: str, cuts: list[int], as_bytes: bool
) -> None:
    text = end.join(lines)
    whole = text.encode() if as_bytes else text
    reader = LogReader()
    found: list[Observation] = []
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    for start, stop in pairwise(places):
        found += reader.feed(whole[start:stop], 1.0)
    found += reader.end(1.0)
    assert repr(found) == repr(read(text))
    if end != "\r":
        assert len(found) in (len(lines), len(lines) - (not lines or not lines[-1]))


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_no_text_breaks_it(text: str) -> None:
    for found in read(text):
        assert (
            found.text.isprintable() or "\t" in found.text or found.text == found.text.strip("\n")
        )
        assert found.step is None or found.step >= 0
        for name, value in found.numbers.items():
            assert 0 < len(name) <= 80
            assert isinstance(value, float)


@given(st.text(alphabet="ab .,:=-+/'\"{}[]()|%0123456789einfNa\t\r\n━", max_size=200))
@settings(max_examples=500)
def test_no_line_that_looks_like_one_breaks_it(text: str) -> None:
    assert all(isinstance(found, Observation) for found in read(text))


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{4,9}(_[a-z]{4,9})?", fullmatch=True).filter(
            lambda name: name not in ("batch", "epoch", "round", "infinity", "python")
        ),
        st.floats(allow_nan=False, allow_infinity=False),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_printed_is_read_back(values: dict[str, float]) -> None:
    for line in (
        " ".join(f"{name}={value!r}" for name, value in values.items()),
        ", ".join(f"{name}: {value!r}" for name, value in values.items()),
        repr(values),
    ):
        assert dict(one(line).numbers) == pytest.approx(values), line


@pytest.mark.parametrize(
    "line",
    ["a-" * 50_000, "a/b " * 20_000, "a" + " " * 80_000, "a:" * 40_000, "1" * 50_000, "1:" * 40_000,
     "{" * 50_000, "{'a':" * 20_000, "-" * 50_000, "1," * 40_000, "'" * 50_000, "[" * 50_000,
     "\x1b[" * 30_000, "loss 0.5 (" * 10_000, "━" * 50_000, "saved checkpoint " * 5_000,
     "shard " * 20_000, "1.a" * 30_000, "x.pt" * 20_000, "Error" * 20_000,
     "a.B" * 30_000 + "Error"],
)  # fmt: skip
@pytest.mark.parametrize("size", [TEXT_CAP, 50_000], ids=["all is kept", "much is dropped"])
def test_hostile_lines_cost_no_more_than_their_length(line: str, size: int) -> None:
    assert_proportionate(read, lambda size: line[: size // 2] + line[-size // 2 :], size)


def test_a_batch_before_a_number_is_no_part_of_its_name() -> None:
    seen = next(LogReader().feed("step=45 shard-5 loss=0.5 grad_norm=2\n", 0.0))
    assert dict(seen.numbers) == {"step": 45, "loss": 0.5, "grad_norm": 2}
    assert (seen.batch, seen.step) == ("shard-5", 45)
