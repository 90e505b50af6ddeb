"""Commands on a home: init, doctor, clean, ledger verify."""

from pathlib import Path
from typing import Annotated

import typer

from desk.cli.common import FAILED, HomeOption, JsonOption, answer, group, guarded
from labcrew.errors import InputError

app = group("")
ledger_app = group("The ledger: the truth about every ticket.")


@app.command()
@guarded
def init(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make a home: the folder that keeps tickets, ledger and results."""
    from desk.settings_file import write_settings
    from desk.wiring import home_folder, open_home
    from labcrew.home import Home

    place = Home(home_folder(home))
    new = place.create()
    write_settings(place.settings_file)
    with open_home(home) as opened:
        root = opened.home.root
        answer(
            {"home": str(root), "created": new},
            as_json,
            lambda: (
                f"{'Made' if new else 'There is already'} a labcrew home in {root}.\n"
                f"Its settings: {opened.home.settings_file}\n"
                "Next: labcrew doctor, then labcrew run TICKET.md"
            ),
        )


@app.command()
@guarded
def doctor(
    names: Annotated[
        list[str] | None, typer.Argument(help="With --model: only these of the settings' models.")
    ] = None,
    attack: Annotated[
        bool, typer.Option("--attack", help="Try to break out of this machine's sandboxes.")
    ] = False,
    part: Annotated[
        list[str] | None, typer.Option(help="With --attack: only this part; may be repeated.")
    ] = None,
    model: Annotated[
        bool,
        typer.Option("--model", help="Ask each chat model's endpoint what it can do (some calls)."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check everything that labcrew rests on, and say what to do."""
    from desk.doctor import checks, worst
    from desk.wiring import home_folder

    if (attack or part) and (model or names):
        raise InputError(
            "--attack and --model are two examinations.",
            "Say one at a time: labcrew doctor --attack, labcrew doctor --model",
        )
    if attack or part:
        _attack(part or [], as_json)
        return
    if model:
        _models(home, names or [], as_json)
        return
    if names:
        raise InputError("Names are for --model.", "Say: labcrew doctor --model NAME")
    found = checks(home_folder(home))

    def shown() -> str:
        marks = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}
        lines = []
        for check in found:
            lines.append(f"{marks[check.state]}  {check.name}: {check.detail}")
            if check.remedy:
                lines.append(f"           {check.remedy}")
        return "\n".join(lines)

    answer({"checks": found, "state": worst(found)}, as_json, shown)
    if worst(found) == "problem":
        raise typer.Exit(FAILED)


def _models(home: Path | None, names: list[str], as_json: bool) -> None:
    """What each endpoint can do, and which settings fit it."""
    from desk.doctor_models import examined
    from desk.wiring import home_folder
    from labcrew.home import Home
    from labcrew.settings import Settings

    settings = Settings.load(Home(home_folder(home)).settings_file)
    found = examined(settings, names, lambda line: typer.echo(line, err=True))

    def shown() -> str:
        marks = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}
        lines = []
        for one in found:
            lines.append(f"{one.name}: {one.model} at {one.where}")
            lines += [f"{marks[c.state]}  {c.name}: {c.detail}" for c in one.capabilities]
            if one.settings:
                lines += ["Settings that fit it:", *one.settings.splitlines()]
        return "\n".join(lines)

    told = [one.model_dump() | {"usable": one.usable, "set": one.settings} for one in found]
    answer({"models": told}, as_json, shown)
    if not all(one.usable for one in found):
        raise typer.Exit(FAILED)


def _attack(parts: list[str], as_json: bool) -> None:
    """The battery on the user's own engine, in a home of its own."""
    from rich.console import Console

    from evals.attacks.parts import chosen
    from evals.attacks.running import run
    from evals.attacks.table import complaints, table

    report = run(chosen(parts), Console(stderr=True))
    if as_json:
        answer(report, as_json, str)
    else:
        Console().print(table(report))
        for line in complaints(report):
            typer.echo(line)
    if not report.passed:
        raise typer.Exit(FAILED)


@app.command()
@guarded
def clean(
    days: Annotated[
        float | None,
        typer.Option(min=0, help="Keep younger tickets. [default: the setting retention_days]"),
    ] = None,
    given_up: Annotated[
        bool,
        typer.Option(
            "--given-up", help="Also failed and stopped tickets: they can't be retried after that."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    orphans: Annotated[
        bool,
        typer.Option("--orphans", help="Instead: what homes that are gone left on the engine."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Free disk: remove what done tickets left, but for their evidence."""
    from desk import keeping
    from desk.wiring import open_home

    if orphans:
        if days is not None or given_up:
            raise InputError(
                "--orphans looks at the engine alone; --days and --given-up are of this home's"
                " tickets.",
                "Give them in a call without --orphans.",
            )
        left = keeping.clean_engine(dry_run=dry_run)
        answer(left, as_json, lambda: keeping.told(left, dry_run))
        return
    with open_home(home) as opened:
        done = keeping.clean(opened.office(), days=days, given_up=given_up, dry_run=dry_run)

    def shown() -> str:
        verb = "Would free" if dry_run else "Freed"
        lines = [*done.removed, f"{verb} {done.freed_bytes / 1e6:.1f} MB."]
        return "\n".join([*lines, f"Kept: {done.kept_because}."])

    answer(done, as_json, shown)


@ledger_app.command("verify")
@guarded
def ledger_verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check the whole ledger: every line's hash, every record, the anchor."""
    from desk.wiring import open_home

    with open_home(home, check="none") as opened:
        problems = opened.ledger.verify()
        count = opened.ledger.events.count()
    answer(
        {"lines": count, "problems": problems},
        as_json,
        lambda: "\n".join(problems) or f"The ledger is sound: {count} lines.",
    )
    if problems:
        raise typer.Exit(FAILED)
