"""What the local model solves, asked directly: the baseline, and what a few changes would bring.

`python -m evals.scaffold.direct [--seeds N] [--split SPLIT]`. Answers are run in a sandbox alone.
No part of the loop: it tells whether the tasks leave room both ways.
"""

import argparse
import importlib.util
import json
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import comb
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

from desk.local_model import base_url_of
from evals.lab import bare_bench
from evals.local_models import fetched
from evals.scaffold.catalogue import Task, catalogue
from labcrew.domain.sandbox import Limits, OverlayFile, SandboxSpec
from labcrew.settings import ModelSettings

HERE = Path(__file__).parent
CONTEXT_TOKENS = 2048

_SCORE = """
import json, sys
from pathlib import Path
sys.path.insert(0, "/workspace/scorer")
import score, tools
from concurrent.futures import ThreadPoolExecutor
def one(item):
    source, name, examples, tests = item
    return [tools.failing(source, name, examples), score.wrong(source.encode(), name, tests)]
with ThreadPoolExecutor(2) as pool:
    print(json.dumps(list(pool.map(one, json.load(sys.stdin)))))
"""


class Judge:
    """Runs examples and hidden tests on answers, in a sandbox.

    Args:
        execute: runs a program in the sandbox on an input and gives what it prints.
    """

    def __init__(self, execute: Callable[[str, bytes], str]) -> None:
        self._execute = execute

    def judged(self, answers: Sequence[tuple[Task, str]]) -> list[tuple[list[str], str]]:
        """For each answer: the examples it fails, and why a hidden test fails (or nothing)."""
        asked = []
        for task, source in answers:
            shown, case = task.shown(), task.case().model_dump(mode="json")
            asked.append([source, task.name, shown["examples"], case["answer"]["tests"]])
        said = json.loads(self._execute(_SCORE, json.dumps(asked).encode()))
        return [(list(failed), str(why)) for failed, why in said]


@contextmanager
def judge() -> Iterator[Judge]:
    """A sandbox with the judge in it."""
    files = [
        ("scorer/score.py", HERE / "scorer/score.py"),
        ("scorer/answering.py", HERE / "scorer/answering.py"),
        ("scorer/tools.py", HERE / "program/tools.py"),
    ]
    with bare_bench() as bench:
        name = f"scaffold-{uuid.uuid4().hex[:8]}"
        spec = SandboxSpec(
            name=name,
            purpose="tools",
            ticket="T-0001",
            image=bench.base_image,
            limits=Limits(cpus=2, memory_mb=1024),
        )
        bench.sandboxes.start(spec)
        bench.sandboxes.write_files(
            name, tuple(OverlayFile(path=p, content=f.read_bytes()) for p, f in files)
        )

        def execute(program: str, given: bytes) -> str:
            ended = bench.sandboxes.exec(
                name, ("python3", "-B", "-c", program), stdin=given, timeout_s=300
            )
            if ended.exit_code:
                raise RuntimeError(ended.stderr[-2000:])
            return ended.stdout

        try:
            yield Judge(execute)
        finally:
            bench.sandboxes.remove(name)


class Asker:
    """The local model, over loopback; counts tokens and keeps answers of equal questions.

    Args:
        model: as in evals.local_models.
        cache: a file in which answers are kept, as JSON lines.
    """

    def __init__(self, model: str = "0.5b", cache: Path | None = None) -> None:
        settings = ModelSettings(gguf=fetched(model), model=model, context_tokens=CONTEXT_TOKENS)
        self._url = base_url_of(settings) + "/chat/completions"
        self.tokens = 0
        self.seconds = 0.0
        self.kept: dict[str, str] = {}
        self._cache = cache
        if cache is not None and cache.exists():
            for line in cache.read_text(encoding="utf-8").splitlines():
                key, text = json.loads(line)
                self.kept[key] = text

    def ask(self, messages: list[dict[str, str]], seed: int, **sampling: object) -> str:
        """One reply."""
        body = {"messages": messages, "seed": seed, "cache_prompt": True, **sampling}
        key = json.dumps(body, sort_keys=True)
        if key not in self.kept:
            began = time.monotonic()
            request = urllib.request.Request(
                self._url, key.encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=300) as reply:
                said = json.load(reply)
            self.seconds += time.monotonic() - began
            self.tokens += said["usage"]["total_tokens"]
            self.kept[key] = str(said["choices"][0]["message"]["content"] or "")
            if self._cache is not None:
                with self._cache.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([key, self.kept[key]]) + "\n")
        return self.kept[key]


def program() -> ModuleType:
    """The agent, as a module with a `model` and `tools` of its own."""
    names = ("model", "tools", "agent")  # it finds them by these names; labcrew has a `tools` too
    before = {name: sys.modules.pop(name, None) for name in names}
    try:
        for name in names:
            place = importlib.util.spec_from_file_location(name, HERE / "program" / f"{name}.py")
            assert place is not None
            assert place.loader is not None
            sys.modules[name] = module = importlib.util.module_from_spec(place)
            place.loader.exec_module(module)
        return module
    finally:
        for name, known in before.items():
            sys.modules.pop(name, None)
            if known is not None:
                sys.modules[name] = known


def single(
    agent: ModuleType, asker: Asker, tasks: Sequence[Task], seed: int, **changes: Any
) -> dict[str, str]:
    """One answer to each task."""

    def one(task: Task) -> str:
        messages = agent.prompt(task.shown())
        return str(agent.parse(asker.ask(messages, seed, **{**agent.SAMPLING, **changes})))

    return {task.name: one(task) for task in tasks}


def retried(
    agent: ModuleType,
    asker: Asker,
    tasks: Sequence[Task],
    seed: int,
    bench: Judge,
    *,
    retries: int,
    feedback: bool,
    **changes: Any,
) -> dict[str, str]:
    """Asks again for the tasks whose examples fail; the last answer counts, or one that passes."""
    answers = single(agent, asker, tasks, seed, **changes)
    left = list(tasks)
    for again in range(1, retries + 1):
        judged = bench.judged([(task, answers[task.name]) for task in left])
        failing = [(t, f) for t, (f, _) in zip(left, judged, strict=True) if f]
        for task, failed in failing:
            said = ""
            if feedback:
                said = (
                    f"This answer is wrong:\n```python\n{answers[task.name].strip()}\n```\n"
                    + "\n".join(failed[:2])
                    + "\nWrite it again, so that it is right."
                )
            messages = agent.prompt(task.shown(), said)
            sampling = {**agent.SAMPLING, **changes}
            if again and sampling["temperature"] < 0.5:
                sampling["temperature"] = 0.5
            answers[task.name] = str(
                agent.parse(asker.ask(messages, seed * 100 + again, **sampling))
            )
        left = [task for task, _ in failing]
    return answers


def of_draws(right: Sequence[bool], draws: int) -> float:
    """The chance that one of some draws is right: what a check that errs never could hand in.

    Without bias, from more draws than are asked about (Chen et al. 2021, pass@k).
    """
    made, bad = len(right), len(right) - sum(right)
    return 1 - comb(bad, draws) / comb(made, draws)


def report(
    name: str, tasks: Sequence[Task], solved: Mapping[str, list[bool]], asker: Asker
) -> None:
    """Prints a line of figures."""
    splits = sorted({task.split for task in tasks})
    parts = []
    for split in (*splits, "all"):
        own = [v for t in tasks if split in (t.split, "all") for v in solved[t.name]]
        parts.append(f"{split} {sum(own)}/{len(own)} {100 * sum(own) / len(own):.0f}%")
    seeds = min(map(len, solved.values()))
    for draws in range(2, seeds + 1):
        best = fmean(of_draws(right, draws) for right in solved.values())
        parts.append(f"best of {draws} {100 * best:.0f}%")
    print(f"{name}: {'; '.join(parts)}; {asker.seconds:.0f} s, {asker.tokens} tokens", flush=True)


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--split", default="")
    options.add_argument("--arms", default="single,greedy,again,retry")
    options.add_argument("--model", default="0.5b")
    options.add_argument("--cache", type=Path, default=None, help="file to keep answers in")
    options.add_argument("--out", type=Path, default=None, help="JSON: arm, task, seed, why")
    given = options.parse_args()
    tasks = [t for t in catalogue() if t.split != "canary" and given.split in ("", t.split)]
    agent, rows = program(), []
    with judge() as bench:
        asker = Asker(given.model, given.cache)
        for arm in given.arms.split(","):
            solved: dict[str, list[bool]] = {task.name: [] for task in tasks}
            asker.seconds, asker.tokens = 0.0, 0
            for seed in range(1, given.seeds + 1):
                if arm == "single":
                    answers = single(agent, asker, tasks, seed)
                elif arm == "greedy":
                    answers = single(agent, asker, tasks, seed, temperature=0.0)
                else:
                    answers = retried(
                        agent, asker, tasks, seed, bench, retries=3, feedback=arm == "retry"
                    )
                judged = bench.judged([(task, answers[task.name]) for task in tasks])
                for task, (failed, why) in zip(tasks, judged, strict=True):
                    solved[task.name].append(not why)
                    rows.append(
                        {
                            "arm": arm,
                            "task": task.name,
                            "seed": seed,
                            "why": why,
                            "examples": len(failed),
                            "answer": answers[task.name],
                        }
                    )
            report(arm, tasks, solved, asker)
            if given.out is not None:
                given.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
