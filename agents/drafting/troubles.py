"""Why a first run did not do what it should, read from its last lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from labcrew.domain.draft import FirstRun, SeenLine, Trouble, TroubleKind
from labcrew.domain.survey import Place

_SECRET = re.compile(r"key|token|secret|passw|credential|auth|login", re.IGNORECASE)


@dataclass(frozen=True)
class _Sign:
    """A line that tells a trouble.

    Args:
        pattern: its first group, if it has one, is what the trouble concerns.
        supply: what a person can do; {what} is filled in.
    """

    kind: TroubleKind
    pattern: re.Pattern[str]
    message: str
    supply: str = ""


def _sign(kind: TroubleKind, pattern: str, message: str, supply: str = "") -> _Sign:
    return _Sign(kind, re.compile(pattern), message, supply)


_SIGNS = (
    _sign("asks", r"EOFError: EOF when reading a line()",
          "It waits for somebody to type something.",
          "Give the answers as arguments, or name a command that asks nothing."),
    _sign("secret", r"(?:KeyError: |[Ee]nvironment variable:? )['\"`]?(\w*(?i:key|token|secret|"
          r"password|credential)\w*)", "It needs the secret {what}.",
          "labcrew gives no secrets to sandboxes: name a command that needs none."),
    _sign("secret", r"(?i)((?:wandb|huggingface|openai|comet|neptune)\S*).{0,80}"
          r"(?:api.?key|not logged in|no api|login|token)", "It wants to log in at {what}.",
          "Turn that logging off by an option or variable, or name another command."),
    _sign("secret", r"(?i)\b(api[_ ]key|access token)\b.{0,60}(?:must be set|not set|missing|"
          r"required|not found)", "It needs a secret: {what}.",
          "labcrew gives no secrets to sandboxes: name a command that needs none."),
    _sign("memory", r"(CUDA out of memory|Cannot allocate memory|^MemoryError|"
          r"std::bad_alloc|Unable to allocate [\d.]+ \w+)", "It ran out of memory ({what}).",
          "Give it more memory, or settings that make it smaller."),
    _sign("storage", r"(No space left on device)", "It has no room left on its disk.",
          "Give it more room: budget.disk_mb."),
    _sign("crash", r"No module named '_?(?:tkinter|turtle)'()",
          "It opens a window, and runs have no display.",
          "Name an option that makes it run without a window."),
    _sign("missing_module", r"ModuleNotFoundError: No module named '([^']+)'",
          "The Python module {what} is not installed.",
          "Name the package that it comes from in the requirements."),
    _sign("missing_module", r"No module named '?([\w.]+)'?$",
          "The Python module {what} is not installed.",
          "Name the package that it comes from in the requirements."),
    _sign("missing_module", r"(?:ImportError|RuntimeError|ValueError): .*?(?:[Pp]lease install|"
          r"pip install|requires) (?:-U |--upgrade )?[`'\"]?([A-Za-z][\w.-]*)",
          "The package {what} is needed.", "Name {what} in the requirements."),
    _sign("missing_library", r"(?:ImportError|OSError): (lib[\w.+-]+): cannot open shared object",
          "The system library {what} is missing.",
          "Name a Dockerfile or an image that has {what}."),
    _sign("missing_library", r"(?i)(?:could not (?:find|load) (?:the )?|cannot load )(?:library )?"
          r"['\"]?(lib[\w.+-]+)", "The system library {what} is missing.",
          "Name a Dockerfile or an image that has {what}."),
    _sign("accelerator", r"((?:No CUDA GPUs are available|Torch not compiled with CUDA enabled|"
          r"Found no NVIDIA driver|CUDA (?:is )?not available|no CUDA-capable device|"
          r"CUDA driver version is insufficient|requires? (?:a )?GPU|No GPU|"
          r"cuda runtime error|TPU (?:is )?not (?:found|available)|"
          r"Attempting to deserialize object on a CUDA device))",
          "It needs an accelerator, and there is none ({what}).",
          "Name an option that makes it run on the CPU, or a machine with a GPU."),
    _sign("download", r"(?:host=|https?://|HTTPSConnectionPool\(host=)['\"]?([\w.-]+\.[a-z]{2,})"
          r".*(?:Max retries|Failed to establish|resolution|refused|unreachable)",
          "It tries to reach {what}, and runs have no network.",
          "Put what it downloads into the repository or beside it, and name it as data."),
    _sign("download", r"(URLError|ConnectionError|gaierror|HTTPError|MaxRetryError|"
          r"NewConnectionError|NameResolutionError|OfflineModeIsEnabled|LocalEntryNotFoundError|"
          r"Temporary failure in name resolution|Name or service not known|"
          r"Network is unreachable|[Cc]ould not resolve host|We couldn't connect to)",
          "It tries to download something, and runs have no network ({what}).",
          "Put what it downloads into the repository or beside it, and name it as data."),
    _sign("arguments", r"error: the following arguments are required: (.+)",
          "It needs arguments: {what}.", "Say what {what} should be."),
    _sign("arguments", r"error: (?:one of the arguments|argument) (.+?)(?: is required|: )",
          "It does not take its arguments: {what}.", "Say what {what} should be."),
    _sign("arguments", r"error: unrecognized arguments: (.+)",
          "It does not know the arguments {what}."),
    _sign("arguments", r"(?:Error: )?Missing (?:option|argument|parameter):? '?([^'.]+)'?",
          "It needs the argument {what}.", "Say what {what} should be."),
    _sign("arguments", r"No such option:? '?(-[\w-]+)", "It does not know the option {what}."),
    _sign("arguments", r"FATAL Flags parsing error|Unknown command line flag '(\w+)'|"
          r"flag --(\w+)[=:]", "It does not take its arguments: {what}."),
    _sign("arguments", r"Missing mandatory value: (\S+)", "It needs a value for {what}.",
          "Say what {what} should be."),
    _sign("arguments", r"(?:Could not override|Key) '([\w.]+)'(?: is not in struct|\.$)",
          "Its configuration has no key {what}."),
    _sign("arguments", r"no value for the required argument: (\w+)",
          "It needs the argument {what}.", "Say what {what} should be."),
    _sign("missing_file", r"can't open file '([^']+)'", "There is no file {what}."),
    _sign("missing_file", r"(?:FileNotFoundError|IOError|NotADirectoryError).*?"
          r"No such file or directory: '([^']+)'", "There is no file {what}.",
          "Put {what} into the repository, or name a command that needs no such file."),
    _sign("missing_file", r"FileNotFoundError: (.{1,200})", "A file is missing: {what}.",
          "Put it into the repository, or name a command that needs no such file."),
    _sign("missing_program", r"(?:sh|bash|/bin/\w+)(?:: (?:line )?\d+)?: ([\w.+/-]+):"
          r" (?:command )?not found", "There is no program {what}.",
          "Name a Dockerfile or an image that has {what}."),
    _sign("missing_file", r"([\w./-]+): No such file or directory", "There is no file {what}.",
          "Put {what} into the repository, or name a command that needs no such file."),
    _sign("missing_file", r"(?i)(?:data|dataset|file|checkpoint)\S*.{0,40}(?:not found|does not"
          r" exist|is missing):? ?['\"]?([\w./-]*)", "A file is missing: {what}.",
          "Put it into the repository, or name a command that needs no such file."),
    _sign("storage", r"(?:Read-only file system|Permission denied): '([^']+)'",
          "It may not write to {what}.",
          "Runs can write in the repository's folder and in /tmp alone."),
    _sign("version", r"(?:AttributeError: module '([\w.]+)' has no attribute|"
          r"ImportError: cannot import name '\w+' from '([\w.]+)'|"
          r"InvalidParameterError: The '\w+' parameter of (\w+)|"
          r"(\w+)\.\w+ size changed, may indicate binary incompatibility)",
          "It was written for another version of {what}.",
          "Name the version of {what} that it was written for."),
    _sign("version", r"(?:TypeError: (\S+)\(\) got an unexpected keyword argument|"
          r"AttributeError: '(\w+)' object has no attribute)",
          "It does not fit what is installed: {what}.",
          "Name the versions of the packages that it was written for."),
    _sign("crash", r"(?:TclError|no display name|could not connect to display|"
          r"cannot connect to X server|Can't connect to display)()",
          "It opens a window, and runs have no display.",
          "Name an option that makes it run without a window."),
)  # fmt: skip
_ERROR = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Interrupt|Exit)\w*)(?::|$)")
_LIBRARY = re.compile(r'File "[^"]*(?:site-packages|dist-packages|/lib/python)[^"]*", line')


def trouble(run: FirstRun, numbers: bool) -> Trouble | None:
    """What went wrong; None for a run that ended well and showed a number.

    Args:
        run: its tail is read.
        numbers: whether it showed any number by a name.
    """
    tail = run.tail[-120:]
    if run.out_of_memory:
        most = f" of {run.memory_mb:g} MiB or more" if run.memory_mb else ""
        return Trouble(
            kind="memory",
            what="memory",
            message=f"It ran out of memory{most}.",
            supply="Give it more memory, or settings that make it smaller.",
            evidence=_places(tail[-1:]),
        )
    if run.timed_out:
        return _timed_out(run, numbers, tail)
    if run.exit_code == 0:
        return None if numbers else _no_number(tail)
    return _told(tail, run.exit_code)


def _timed_out(run: FirstRun, numbers: bool, tail: Sequence[SeenLine]) -> Trouble:
    waits = next((line for line in reversed(tail) if _serves(line.text)), None)
    what = "a server that runs until it is stopped" if waits else "the time that a first run has"
    showed = "and showed numbers until then" if numbers else "and had shown no number until then"
    return Trouble(
        kind="time",
        what=what,
        message=f"It was stopped after {run.duration_s:.0f} s, {showed}.",
        supply="Name a command that ends, or settings that make it shorter.",
        evidence=_places([waits] if waits else tail[-1:]),
    )


def _serves(text: str) -> bool:
    return bool(re.search(r"(?i)(?:running on|listening on|serving at|press ctrl.?c)", text))


def _no_number(tail: Sequence[SeenLine]) -> Trouble:
    caught = _told(tail, 0)
    if caught.kind not in ("crash", "version") and caught.evidence:
        return caught
    return Trouble(
        kind="no_number",
        what="a number",
        message="It ended well but printed no number by a name, and wrote none to a file"
        " that can be read.",
        supply="Name the file that holds the result, or let the program print it.",
        evidence=_places(tail[-3:]),
    )


def _told(tail: Sequence[SeenLine], exit_code: int | None) -> Trouble:
    """The sign in the lines of the last error; the latest line that has one counts."""
    last_error = max(
        (index for index, line in enumerate(tail) if _ERROR.match(line.text.strip())), default=-1
    )
    begins = max(
        (index for index, line in enumerate(tail) if line.text.startswith("Traceback (most")),
        default=0,
    )
    # What was said before the last error is no reason of it.
    first = begins if 0 <= begins <= last_error else 0
    order = [last_error] if last_error >= 0 else []
    order += [index for index in range(len(tail) - 1, first - 1, -1) if index != last_error]
    for index in order:
        text = tail[index].text.strip()
        for sign in _SIGNS:
            found = sign.pattern.search(text)
            if found is None:
                continue
            if sign.kind == "version" and "unexpected keyword" in text and not _in_library(tail):
                continue
            what = next((group for group in found.groups() if group), "") or found[0]
            what = what.strip()[:200]
            kind = _kind(sign.kind, text, tail)
            return Trouble(
                kind=kind,
                what="display" if sign.kind == "crash" else what,
                message=sign.message.format(what=what)[:600],
                supply=sign.supply.format(what=what)[:600],
                evidence=_places([tail[index]]),
            )
    text = tail[last_error].text.strip() if last_error >= 0 else ""
    said = text or (tail[-1].text.strip() if tail else "nothing")
    return Trouble(
        kind="crash",
        what=said[:200] or "nothing",
        message=f"It ended with code {exit_code}: {said}"[:600],
        supply="Mend the program, or name another command.",
        evidence=_places(tail[last_error:][:1] if last_error >= 0 else tail[-1:]),
    )


def _kind(kind: TroubleKind, text: str, tail: Sequence[SeenLine]) -> TroubleKind:
    started = any("subprocess.py" in line.text for line in tail)
    if kind == "missing_file" and started and re.search(r"directory: '[\w.+-]+'$", text):
        return "missing_program"
    return kind


def _in_library(tail: Sequence[SeenLine]) -> bool:
    """Whether the program's own call is refused by what is installed: no frame of its own helps."""
    return any(_LIBRARY.search(line.text) for line in tail) or bool(
        re.search(r"__init__\(\) got", "\n".join(line.text for line in tail))
    )


def _places(lines: Sequence[SeenLine]) -> tuple[Place, ...]:
    return tuple(Place(path="", text=line.text[:300]) for line in lines)
