"""Direct style: a small model is asked for one edit at a time, each time in few words.

The loop knows what failed and where to look; the model writes the code. What is asked for next
follows from what became of the last answers.
"""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agents.programming import failed_runs, regression
from agents.programming.failures import account
from agents.programming.options import LoopOptions
from agents.programming.source import Part, numbered, parts
from agents.programming.stuck import stuck
from agents.programming.turns import Turn
from labcrew.domain.chat import Manner, Message
from labcrew.domain.programming import FailedRun
from labcrew.domain.testing import TestReport

Form = Literal["function", "lines", "block", "new", "test"]
_PLACES = 4
_FORMS = 2
_LONG_FUNCTION = 45
_DIFF_LINES = 14
_RUNS = 4000
_TOLD_TURNS = 2
GUESSES: dict[Form, int] = {"lines": 3}
"""Edits that one answer may hold, each tried by itself; 1 where none is named."""
_FOLDER = "tests"
_WARMER, _WARMEST = 0.2, 1.2
_ONE_BLOCK: frozenset[Form] = frozenset({"function", "new", "test"})
_END_OF_BLOCK = ("\n```\n",)
"""Behind the language's name, which is asked for, the beginning of a block is none."""
_ROOM: dict[Form, int] = {"function": 250, "lines": 250, "block": 300}
"""Tokens of a reply for words round the code."""
_TOKENS_A_CHARACTER: dict[Form, float] = {"function": 0.7, "lines": 0.0, "block": 0.35}
"""Of the function that is spoken of: about twice it where it is written anew, else once."""

SYSTEM = (
    "You are a careful Python programmer. The code has a fault; you mend it so that the failing"
    " test passes."
)
_WANTED: dict[Form, str] = {
    "function": "`{name}` is probably wrong. Write `{name}` again, whole and corrected, in one"
    " ```python block, and with it any other function that must change. Keep names and arguments.",
    "lines": "One of these lines is probably wrong. Write it in a block as it stands, without its"
    " number, and in a second block as it should be.",
    "block": "Answer with one change in this form:\n```\n<<<<<<< SEARCH\nlines as they stand now\n"
    "=======\nlines as they should be\n>>>>>>> REPLACE\n```",
    "new": "Write what is missing in {path}: whole functions or classes, with their imports, in one"
    " ```python block.",
    "test": "Write one short pytest file that fails now because of what is asked for, and that"
    " passes once it is done. Import from the files above. Answer with the whole file in one"
    " ```python block.",
}


@dataclass(frozen=True)
class Ask:
    """What the next reply is asked for.

    Args:
        form: how the edit is to be written.
        path: the file that is spoken of.
        name: the function that is spoken of; empty where there is none.
        sampled: whether the reply is drawn at the loop's temperature, to differ from earlier ones.
    """

    form: Form
    path: str
    name: str = ""
    sampled: bool = False

    @property
    def place(self) -> str:
        """The file and function that are spoken of."""
        return f"{self.path} {self.name}".rstrip()

    @property
    def id(self) -> str:
        """Names it in a turn."""
        return f"{self.form} {self.place}"


@dataclass(frozen=True)
class Problem:
    """What does not change while a problem is worked on.

    Args:
        title: the ticket's.
        question: the ticket's, capped by the caller.
        kind: the ticket's, implement or fix.
        tests: the failing tests as they are written.
        report: the run that shows the failure.
        places: functions, the likeliest first.
        lacking: the file that lacks what the tests look for; empty where they find it all.
        fallback: a file to write to where no function is known.
        runs: how the program failed with an earlier change, and without it.
        regression: which commit broke it, as bisection tells.
    """

    title: str
    question: str
    kind: str
    tests: tuple[Part, ...]
    report: TestReport
    places: tuple[Part, ...]
    lacking: str = ""
    fallback: str = ""
    runs: tuple[FailedRun, ...] = ()
    regression: str = ""


def next_ask(turns: Sequence[Turn], problem: Problem) -> Ask:
    """What is asked for next: another form, then another place, until each was asked for once. Then
    the likeliest place of which the least was asked; replies that brought nothing new count twice.

    Args:
        turns: the edits so far; what was stuck in one place goes on to the next.
    """
    asks = _asks(problem)
    index = since = 0
    for number in range(1, len(turns) + 1):
        index += 1
        if stuck(turns[since:number]) is not None:
            index += index % _FORMS
            since = number
    if index < len(asks):
        return replace(asks[index], sampled=bool(turns))
    places = list(dict.fromkeys(ask.place for ask in asks))
    asked = Counter(turn.ask for turn in turns)
    asked.update(turn.ask for turn in barren(turns))
    ask = min(asks, key=lambda ask: places.index(ask.place) + asked[ask.id] / 2)
    return replace(ask, sampled=True)


def barren(turns: Sequence[Turn]) -> list[Turn]:
    """Those whose reply held no change that had not been tried before."""
    seen: set[str] = set()
    found = []
    for turn in turns:
        if seen.issuperset(turn.tried):
            found.append(turn)
        seen.update(turn.tried)
    return found


def _asks(problem: Problem) -> list[Ask]:
    """One round: each place in two forms."""
    asks: list[Ask] = []
    target = problem.lacking or (problem.fallback if not problem.places else "")
    if problem.kind == "implement" and not target and problem.places:
        target = problem.places[0].path
    if target:
        asks += [Ask("new", target)] * _FORMS
    for part in problem.places[:_PLACES]:
        long = part.last - part.first >= _LONG_FUNCTION
        forms: tuple[Form, ...] = ("lines", "block") if long else ("function", "lines")
        asks += [Ask(form, part.path, part.name) for form in forms]
    return asks or [Ask("block", problem.fallback)]


def manner(ask: Ask, problem: Problem, turns: Sequence[Turn], options: LoopOptions) -> Manner:
    """How a reply is to be written: to the end of its block, as nothing behind that is read, and no
    longer than its form needs.

    Args:
        turns: so far; the more of the ask's replies brought nothing new, the warmer it is drawn.
    """
    most = None
    again = sum(turn.ask == ask.id for turn in barren(turns))
    part = _spoken_of(ask, problem)
    if ask.form in _ROOM and part is not None:
        most = _ROOM[ask.form] + _TOKENS_A_CHARACTER[ask.form] * len(part.text)
    return Manner(
        temperature=min(_WARMEST, options.temperature + _WARMER * again) if ask.sampled else None,
        seed=options.seed + len(turns) if ask.sampled else None,
        most_tokens=None if most is None else round(most),
        begin=_begin(ask),
        stop=_END_OF_BLOCK if ask.form in _ONE_BLOCK else (),
    )


def _begin(ask: Ask) -> str:
    """The first words of a reply, where a small model would find the code right: what is wrong with
    it. One that begins with the code as it should be copies it.
    """
    if ask.form == "function":
        return f"`{ask.name}` is wrong because"
    if ask.form == "lines":
        return "The wrong line is:\n```python\n"
    if ask.form == "block":
        return "```\n<<<<<<< SEARCH\n"  # of several blocks the first is read
    return "```python\n"


def _spoken_of(ask: Ask, problem: Problem) -> Part | None:
    return next((p for p in problem.places if (p.path, p.name) == (ask.path, ask.name)), None)


def prompt(
    ask: Ask,
    problem: Problem,
    files: Mapping[str, str],
    turns: Sequence[Turn],
    options: LoopOptions,
    house: str = "",
) -> list[Message]:
    """A short conversation that asks for one edit; what stays the same comes first.

    Args:
        files: path → text as it stands now.
        house: the lab's house rules; given whole, in room that the rest goes without.
    """
    most = options.prompt_characters
    room = max(most - len(house), most // 2)
    messages = _messages(ask, problem, files, turns, options, house, room, room)
    # Tests and the function are shown whole where they can be: they are cut to mend a long prompt.
    for share in (2, 4):
        if sum(len(message.content) for message in messages) <= most:
            break
        less = room // share
        messages = _messages(ask, problem, files, turns, options, house, less, less // 4)
    return messages


def _messages(
    ask: Ask,
    problem: Problem,
    files: Mapping[str, str],
    turns: Sequence[Turn],
    options: LoopOptions,
    house: str,
    room: int,
    piece: int,
) -> list[Message]:
    """The conversation.

    Args:
        room: characters that most of it is cut to.
        piece: characters of one test; the function that is asked for has twice as many.
    """
    said = [f"Problem: {problem.title}\n{problem.question}".strip()[: room // 8]]
    said.append(failed_runs.told(problem.runs, min(_RUNS, room // 8)))
    said.append(regression.told(problem.regression, min(_RUNS, room // 8)))
    said += _shown(ask, problem, files, room // 2)
    said += [f"Failing test:\n{_code(part.text[:piece])}" for part in problem.tests[:2]]
    if ask.form != "test":
        said.append(f"It fails so:\n{account(problem.report, room // 8)}")
    if options.error_feedback:
        said += _told(ask, turns, room // 8)
    wanted = _WANTED[ask.form].format(name=ask.name, path=ask.path)
    part = _spoken_of(ask, problem)
    if ask.form == "lines" and part is not None:
        lines = _lines(part, files)[: 2 * piece]
        wanted = f"{ask.path}, `{ask.name}`:\n```\n{lines}\n```\n{wanted}"
    said.append(wanted)
    system = Message(role="system", content=f"{SYSTEM}\n\n{house}" if house else SYSTEM)
    return [system, Message(role="user", content="\n\n".join(part for part in said if part))]


def _shown(ask: Ask, problem: Problem, files: Mapping[str, str], room: int) -> list[str]:
    """All files with places where they are short, so that prompts begin alike; else the file that
    is spoken of; of a long one its functions that may be meant.
    """
    paths = list(dict.fromkeys(part.path for part in problem.places))
    if sum(len(files.get(path, "")) for path in paths) <= room:
        chosen = sorted({*paths, ask.path} & files.keys())
    else:
        chosen = [ask.path if ask.path in files and ask.form != "test" else (paths or [""])[0]]
    return [f"File {path}:\n{_code(_cut(path, files, problem, room))}" for path in chosen]


def _cut(path: str, files: Mapping[str, str], problem: Problem, room: int) -> str:
    text = files.get(path, "")
    if len(text) <= room:
        return text
    head = "\n".join(line for line in text.splitlines() if line.startswith(("import ", "from ")))
    shown = [head[: room // 4]]
    left = room - len(shown[0])
    for part in parts(path, text):
        likely = any((p.path, p.name) == (path, part.name) for p in problem.places[:_PLACES])
        piece = part.text if likely else f"{part.text.splitlines()[0]} ..."
        if len(piece) <= left:
            shown.append(piece.rstrip())
            left -= len(piece)
    return "\n\n".join(shown)


def _lines(part: Part, files: Mapping[str, str]) -> str:
    """A function as it stands now, with the file's line numbers."""
    text = files.get(part.path, "")
    now = next((p for p in parts(part.path, text) if p.name == part.name), part)
    return numbered(now.text, now.first)


def _code(text: str) -> str:
    return f"```python\n{text.rstrip()}\n```"


def _told(ask: Ask, turns: Sequence[Turn], room: int) -> list[str]:
    """What became of the last answers that spoke of the same place."""
    same = [turn for turn in turns if turn.ask.partition(" ")[2] == ask.place]
    return [turn.told[:room] for turn in same[-_TOLD_TURNS:] if turn.told and not turn.kept]


def tried(before: Mapping[str, str], after: Mapping[str, str], said: str) -> str:
    """What the model is told of a change that was no good, the change with it."""
    change = "\n".join(_difference(before, after))
    return f"This was tried and is wrong:\n```diff\n{change}\n```\n{said}" if change else said


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for path, text in after.items():
        old = before.get(path, "").splitlines()
        found = difflib.unified_diff(old, text.splitlines(), lineterm="", n=0)
        lines += [line[:200] for line in found if not line.startswith(("---", "+++", "@@"))]
    return lines[:_DIFF_LINES]


def new_test_path(ticket: str, known: Sequence[str]) -> str:
    """Where a new test of a ticket goes: beside the tests that are there."""
    folder = min((path.rpartition("/")[0] for path in known), key=len, default=_FOLDER)
    name = f"test_{ticket.lower().replace('-', '_')}.py"
    return f"{folder}/{name}" if folder else name
