"""What one call shows of a program: that it reads, writes, fetches, seeds, prints, asks, serves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from . import calls

Shown = Iterator[tuple[str, str]]
"""(kind, what) of each trait."""

_SECRET = re.compile(r"(?i)(^|_)(api_?key|key|token|secret|password|passwd|credentials?)($|_)")
_FETCHES_IN_SHELL = re.compile(r"(^|[\s;&|])(wget|curl|git clone|gsutil|aws s3|kaggle)\s")
_REMOTE = ("http://", "https://", "s3://", "gs://", "ftp://")
_FREE_DEVICES = {"device", "default", "accelerator", "device_type"}


def is_secret(name: object) -> bool:
    """Whether a variable's name is that of a key or password."""
    return isinstance(name, str) and _SECRET.search(name) is not None


def call_traits(node: ast.Call, has_fallback: bool) -> Shown:
    """The traits of a call.

    Args:
        has_fallback: the module looks for an accelerator before it uses one.
    """
    name = calls.dotted(node.func)
    base, last = calls.ends(node.func, name)
    yield from _files(node, name, base, last)
    yield from _downloads(node, name, base, last)
    yield from _told(node, name, base, last)
    yield from _seeds(node, name, last)
    yield from _secrets(node, name)
    yield from _accelerators(node, last, has_fallback)
    if name in calls.ASKS:
        yield "asks", calls.text_argument(node) or name
    elif name in calls.SHOWS or (last == "show" and base in {"plt", "pyplot", "fig", "figure"}):
        yield "shows", name
    elif name in calls.SERVES or last in {"serve_forever", "run_server"}:
        yield "serves", name


def _files(node: ast.Call, name: str, base: str, last: str) -> Shown:
    if name in calls.OPENERS or (last == "open" and base in {"Path", "path", ""}):
        mode = _mode(node, 1 if name in calls.OPENERS else 0)
        yield ("writes" if mode & set("wax+") else "reads"), calls.subject(node)
    elif last in calls.READS or (last in {"load", "safe_load"} and base in calls.LOADERS):
        what = calls.subject(node)
        pickled = base in {"joblib", "pickle"} and calls.MODEL.search(what) is not None
        resumes = base == "torch" or pickled
        inner = node.args[0] if node.args else None
        opens = isinstance(inner, ast.Call) and calls.dotted(inner.func) in calls.OPENERS
        if resumes or not opens:  # the call that opens the file tells of it itself
            yield ("resumes" if resumes else "reads"), what
    elif last in calls.RESUMES:
        yield "resumes", calls.spelt(node)
    else:
        yield from _saves(node, base, last)


def _saves(node: ast.Call, base: str, last: str) -> Shown:
    saves = last in calls.WRITES or (last in {"dump", "save"} and base in calls.SAVERS)
    if not saves and last not in calls.CHECKPOINTS and last != "save":
        return
    text = calls.spelt(node)
    predicts = calls.PREDICTED.search(text) is not None
    if saves:
        what = text if last in {"dump", "save"} else calls.subject(node)
        yield "writes", what
        if predicts:
            yield "predictions", what
    pickles = saves and base in {"joblib", "pickle", "dill", "cloudpickle"} and not predicts
    torches = saves and base == "torch" and not predicts
    of_model = not saves and last == "save" and calls.MODEL.search(text) is not None
    if last in calls.CHECKPOINTS or pickles or torches or of_model:
        yield "checkpoints", text


def _mode(node: ast.Call, position: int) -> set[str]:
    given: ast.expr | None = node.args[position] if len(node.args) > position else None
    for keyword in node.keywords:
        if keyword.arg == "mode":
            given = keyword.value
    value = given.value if isinstance(given, ast.Constant) else "r"
    return set(value) if isinstance(value, str) and len(value) < 5 else {"r"}


def _downloads(node: ast.Call, name: str, base: str, last: str) -> Shown:
    first = calls.text_argument(node)
    if last in calls.FETCHES or name in calls.FETCHING or last.startswith("fetch_"):
        if last != "from_pretrained" or not first.startswith((".", "/")):
            yield "downloads", calls.spelt(node)
    elif last == "load_data" and ".datasets." in f".{name}":
        yield "downloads", calls.spelt(node)
    elif last in calls.READS and first.startswith(_REMOTE):
        yield "downloads", first
    elif name in calls.STARTS:
        inner = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
        command = " ".join(value for value in inner if isinstance(value, str))
        if _FETCHES_IN_SHELL.search(f"{command} "):
            yield "downloads", command
    for keyword in node.keywords:
        value = getattr(keyword.value, "value", None)
        asked = keyword.arg in {"download", "pretrained"} and value is True
        if asked or (keyword.arg == "weights" and value in {"imagenet", "DEFAULT"}):
            yield "downloads", calls.spelt(node)


def _told(node: ast.Call, name: str, base: str, last: str) -> Shown:
    if last in calls.LOGS or name in calls.LOGGING:
        yield "logs", calls.spelt(node)
    if last in calls.NAMED_VALUES or name in calls.NAMED_LOGS:
        for text in calls.value_names(node):
            yield "prints", text
    elif name in calls.PRINTS or (last in calls.LEVELS and base.lower().endswith(calls.LOGGERS)):
        text = calls.printed(node)
        if text:
            yield "prints", text


def _seeds(node: ast.Call, name: str, last: str) -> Shown:
    if name in calls.SEEDS or (last in calls.SEEDING and (node.args or node.keywords)):
        yield "seeds", calls.spelt(node)
        return
    if last in {"add_argument", "option"}:
        return
    for keyword in node.keywords:
        is_none = isinstance(keyword.value, ast.Constant) and keyword.value.value is None
        if keyword.arg in {"random_state", "seed"} and not is_none:
            yield "seeds", f"{last}({keyword.arg}={calls.spelt(keyword.value)})"


def _secrets(node: ast.Call, name: str) -> Shown:
    if name in {"os.getenv", "os.environ.get", "environ.get", "getenv"}:
        variable = calls.text_argument(node)
        if is_secret(variable):
            yield "secret", variable + ("; optional" if len(node.args) > 1 else "")
    elif name in {"wandb.login", "huggingface_hub.login", "notebook_login"}:
        yield "secret", name
    for keyword in node.keywords:
        value = getattr(keyword.value, "value", None)
        named = keyword.arg in {"api_key", "access_token", "auth_token"}
        if named and (isinstance(keyword.value, ast.Name) or value):
            yield "secret", str(keyword.arg)


def _accelerators(node: ast.Call, last: str, has_fallback: bool) -> Shown:
    if last == "cuda" and not node.args and isinstance(node.func, ast.Attribute):
        yield "accelerator", accelerator("cuda", has_fallback)
    elif last in {"to", "device"} and node.args and names_cuda(node.args[0]):
        yield "accelerator", accelerator(calls.text_argument(node), has_fallback)
    for keyword in node.keywords:
        if keyword.arg in _FREE_DEVICES and names_cuda(keyword.value):
            value = getattr(keyword.value, "value", "")
            yield "accelerator", accelerator(f"{keyword.arg} {value}", has_fallback)


def names_cuda(node: ast.expr) -> bool:
    """Whether an expression is the literal name of an accelerator."""
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, str) and value.startswith(("cuda", "gpu", "GPU"))


def accelerator(name: str, has_fallback: bool) -> str:
    """How the need of an accelerator is told."""
    return f"{name}; {'falls back to the CPU' if has_fallback else 'without a fallback'}"
