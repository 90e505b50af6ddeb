"""What the words of a line tell: trouble, a checkpoint that was written, the batch it is about."""

import re
from typing import Literal

Trouble = Literal["", "traceback", "error", "out_of_memory", "no_space", "killed"]

# The order decides: "torch.OutOfMemoryError: ..." is an error line, too.
_TROUBLES: tuple[tuple[Trouble, re.Pattern[str]], ...] = (
    ("no_space", re.compile(r"No space left on device|Disk quota exceeded|\bENOSPC\b")),
    (
        "out_of_memory",
        re.compile(
            r"CUDA out of memory|OutOfMemoryError|\bMemoryError\b|bad_alloc|RESOURCE_EXHAUSTED"
            r"|[Cc]annot allocate memory|can't allocate memory|\boom-kill|^Out of memory"
            r"|Out of memory:|error: out of memory|Unable to allocate .{1,60} for an array"
        ),
    ),
    ("traceback", re.compile(r"Traceback \(most recent call last\)")),
    (
        "killed",
        re.compile(r"^\W*Killed\W*$|: Killed\b|\bSIGKILL\b|exit(?:ed with)? code 137\b|signal 9\b"),
    ),
    (
        "error",
        re.compile(
            r"^(?:\[?rank\s?\d+\]?:\s*)?"
            r"(?!\w{0,60}(?:Squared|Absolute|Percentage|Logarithmic|\b)Error:\s*[-+.\d])"  # metrics
            r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]*(?:Error|Exception)(?::|\s*$)"
            r"|^(?:KeyboardInterrupt|SystemExit)\b|^Segmentation fault|^Fatal Python error"
            r"|^terminate called after|^Aborted(?:\s|$)|^Bus error|^Floating point exception"
        ),
    ),
)
_TROUBLE_HINT = re.compile(
    r"rror|Exception|Traceback|[Kk]ill|KILL|memory|bad_alloc|EXHAUSTED|allocate|space|quota|ENOSPC"
    r"|137|signal|Interrupt|SystemExit|fault|terminate|Aborted"
)
_SAVING = re.compile(r"\b(?:[Ss]av(?:ed?|ing)|SAV(?:ED|ING)|[Ww]r(?:ote|itten|iting))\b")
_NOT_SAVED = re.compile(r"\b(?:fail|could not|couldn't|cannot|can't|unable|error|not)", re.I)
_CHECKPOINT = re.compile(r"checkpoint|ckpt|\bmodels?\b|weights|\bstate|snapshot", re.IGNORECASE)
_CHECKPOINT_FILE = (
    r"[^\s'\"`]+\.(?:ckpt|pth?|keras|h5|hdf5|safetensors|npz|npy|pkl|pickle|joblib|bin|cbm|ubj"
    r"|msgpack|onnx|model|tar)\b"
)
_TARGET = re.compile(
    r"(?:\b(?:to|in|into|at|as)\b|->|→|:|=)\s*[\"'`]?(?P<path>(?:[^\s'\"`]*/[^\s'\"`]*"
    rf"|{_CHECKPOINT_FILE}|[\w.=-]*(?:checkpoint|ckpt)[\w.=-]*))",
    re.IGNORECASE,
)
_FILE = re.compile(_CHECKPOINT_FILE)
_NUMBERED = re.compile(
    r"(?<![\w/.-])(batch|shard|chunk|part|partition|file)(?:[\s#:=_-]{1,3}|\s*\[)(\d{1,12})(?![\w.]*\.\w)\b",
    re.IGNORECASE,
)
_DATA_FILE = re.compile(
    r"(?<![\w.-])[\w.-]{0,100}\d[\w.-]{0,100}"
    r"\.(?:parquet|tfrecords?|jsonl?|csv|tsv|tar|arrow|npz|npy|bin|txt|gz|zst|h5|mds)\b"
)
_BATCH_HINT = re.compile(
    r"(?:batch|shard|chunk|part|partition|file)[\s#:=_\[-]|\.(?:parquet|tfrecord|json|csv|tsv|tar"
    r"|arrow|np[zy]|bin|txt|gz|zst|h5|mds)\b",
    re.IGNORECASE,
)
PATH_CAP = 500


def trouble_of(text: str) -> Trouble:
    """The kind of trouble that a line tells of; "" for none."""
    if not _TROUBLE_HINT.search(text):
        return ""
    for kind, words in _TROUBLES:
        if words.search(text):
            return kind
    return ""


def tells_of_saving(text: str) -> bool:
    """Whether a line may say that a checkpoint was written."""
    return (
        _SAVING.search(text) is not None
        and _NOT_SAVED.search(text) is None
        and (_CHECKPOINT.search(text) is not None or _FILE.search(text) is not None)
    )


def saved_of(text: str) -> str:
    """The checkpoint that such a line names; "" for none."""
    verb = _SAVING.search(text)
    found = (verb and _TARGET.search(text, verb.end())) or _FILE.search(text)
    if not found:
        return ""
    path: str = found["path"] if "path" in found.groupdict() else found[0]
    return path.rstrip(".,;:)]}")[:PATH_CAP]


def tells_of_batch(text: str) -> bool:
    """Whether a line may name a batch, a shard or a file of data."""
    return _BATCH_HINT.search(text) is not None


def batch_of(text: str) -> str:
    """The batch, shard or file that such a line names: "shard-7", "train-00012.parquet"."""
    file = _DATA_FILE.search(text)
    if file:
        return file[0][:200]
    # A shard or a file can be left out; a batch is often no more than a count.
    found = [(word.lower(), number) for word, number in _NUMBERED.findall(text)]
    named = next((pair for pair in found if pair[0] != "batch"), found[0] if found else None)
    return "-".join(named) if named else ""
