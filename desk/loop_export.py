"""A loop's records as files: some for people, and tables that any program reads."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from desk.loop_report import loop_report, notes
from desk.views.evolution_changes import patches_of, steps_of
from desk.views.patches import patch
from labcrew.domain.evolution import Comparison, Evolution, Round, ScoredRun, code_hash
from labcrew.ledger import Ledger
from sandboxes.text import clean

_FORMULAS = ("=", "+", "-", "@")


def write_loop(ledger: Ledger, evolution: Evolution, folder: Path) -> None:
    """Writes a loop's report, rounds, scored runs, notes, plots and patches.

    What its seeds are drawn from is left out. Tables are CSV; a text in them that a spreadsheet
    would take for a formula has an apostrophe before it.

    Args:
        folder: is there, and empty.

    Raises:
        OSError: it can't be written.
    """
    from tools.evolution.plots import progress_png, progress_svg

    rounds = ledger.rounds.of(evolution.id)
    _text(folder / "report.md", loop_report(ledger, evolution))
    _text(folder / "notes.md", notes(rounds))
    _text(folder / "evolution.json", evolution.model_dump_json(indent=2, exclude={"secret"}))
    _text(folder / "rounds.jsonl", _lines(r.model_dump_json() for r in rounds))
    _text(
        folder / "events.jsonl",
        _lines(e.model_dump_json() for e in ledger.events.of(evolution.id)),
    )
    _table(folder / "rounds.csv", [_round(round_) for round_ in rounds])
    known = _rounds_by_code(evolution, rounds)
    runs = ledger.scored_runs.of(evolution.id)
    _table(folder / "runs.csv", [_run(run, known) for run in runs])
    if evolution.sealed is not None:
        _text(folder / "sealed.json", evolution.sealed.model_dump_json(indent=2))
    for request in ledger.merge_requests.of(evolution.id):
        _text(folder / f"{request.id}.md", request.description)
        _text(folder / f"{request.id}.json", json.dumps(request.model_dump(mode="json"), indent=2))
    (folder / "progress.svg").write_bytes(progress_svg(evolution, rounds))
    (folder / "progress.png").write_bytes(progress_png(evolution, rounds))
    _kept(ledger, evolution, folder)


def _kept(ledger: Ledger, evolution: Evolution, folder: Path) -> None:
    """Each kept change as a patch on the one before, and all of them as one on the commit."""
    patches = patches_of(ledger, evolution)
    if not patches:
        return
    (folder / "kept").mkdir()
    for number, text in patches.items():
        _text(folder / "kept" / f"R{number:04d}.diff", text)
    _text(folder / "kept" / "all.diff", patch(evolution.baseline, evolution.champion))
    _table(
        folder / "kept.csv",
        [
            {
                "round": step.number,
                "title": step.title,
                "proposer": step.proposer,
                "rationale": step.rationale,
                **_gain("gain", step.gain),
                **_gain("left_out", step.left_out),
            }
            for step in steps_of(ledger, evolution)
        ],
    )


def _round(round_: Round) -> dict[str, Any]:
    proposal = round_.proposal
    return {
        "round": round_.number,
        "verdict": round_.verdict,
        "status": round_.status,
        "proposer": proposal.proposer if proposal else None,
        "title": proposal.title if proposal else None,
        "score": round_.score,
        **_gain("first", round_.first),
        **_gain("retest", round_.retest),
        "look": round_.look,
        "reason": round_.reason,
        "note": round_.note,
        "criticism": round_.criticism,
        "seconds": round_.seconds,
        "own_seconds": round_.own_seconds,
        "model_tokens": round_.model_tokens,
        "champion": round_.champion,
        "code": proposal.code if proposal else None,
        "commit": round_.commit,
        "began_at": round_.began_at,
        "ended_at": round_.ended_at,
    }


def _run(run: ScoredRun, known: Mapping[str, int]) -> dict[str, Any]:
    return {
        "code": run.code,
        "round": known.get(run.code),
        **run.model_dump(mode="json", exclude={"id", "ticket", "code"}),
    }


def _rounds_by_code(evolution: Evolution, rounds: Sequence[Round]) -> dict[str, int]:
    """The round that first proposed a program; 0 is the program as it was."""
    known = {r.proposal.code: r.number for r in reversed(rounds) if r.proposal is not None}
    return known | {code_hash(evolution.baseline): 0}


def _gain(name: str, gain: Comparison | None) -> dict[str, Any]:
    """A comparison as columns; the names are there where it is not."""
    fields = ("gain", "low", "high", "level", "pairs", "better", "worse")
    head = "" if name == "gain" else f"{name}_"
    return {f"{head}{field}": getattr(gain, field) if gain else None for field in fields}


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if rows:
            writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) else text
