"""Commands on the lab's skills: list, show, check."""

from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import FAILED, HomeOption, JsonOption, answer, group, guarded, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from desk.skills import Adherence, ShownSkill
    from labcrew.domain.research import Embedder
    from labcrew.domain.skills import Skill, When

app = group("The lab's skills: house rules and how work is done here, as Markdown files.")
_NAME = Annotated[str, typer.Argument(metavar="NAME", help="The skill's name.")]
_TICKET = Annotated[str, typer.Argument(metavar="TICKET")]


@app.command("list")
@guarded
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the skills, with what is checked and what is advice."""
    from desk.skills import SkillsDesk
    from desk.wiring import open_home

    with open_home(home) as opened:
        skills = SkillsDesk(opened, _embedder).all()
        folder = opened.home.skills
    value = {"skills": [skill.model_dump(mode="json") for skill in skills]}
    answer(
        value,
        as_json,
        lambda: _table(skills) if skills else f"There are no skills yet; write one in {folder}.",
    )


@app.command()
@guarded
def show(
    name: _NAME,
    ticket: Annotated[
        str | None, typer.Option("--for", metavar="TICKET", help="Say whether it is chosen for it.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one skill as a chat model reads it."""
    from desk.skills import SkillsDesk
    from desk.wiring import open_home

    with open_home(home) as opened:
        shown = SkillsDesk(opened, _embedder).show(name, ticket)
    answer(shown, as_json, lambda: _page(shown))


@app.command()
@guarded
def check(ticket: _TICKET, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check a ticket's plan and newest patch against the rules; ends with 4 where a must fails."""
    from desk.skills import SkillsDesk
    from desk.wiring import open_home
    from sandboxes.git.repositories import GitRepositories

    with open_home(home) as opened:
        desk = SkillsDesk(opened, _embedder)
        found = desk.check(ticket, GitRepositories(opened.home.repositories))
    answer(found, as_json, lambda: _results(found))
    if not found.ready:
        raise typer.Exit(FAILED)


def _embedder() -> "Embedder":
    from memory.embedding import OnnxEmbedder

    return OnnxEmbedder()


def _when(when: "When") -> str:
    parts = [", ".join(part) for part in (when.kinds, when.agents, when.paths) if part]
    return "; ".join([*parts, *([when.about] if when.about else [])]) or "always"


def _table(skills: "tuple[Skill, ...]") -> "RenderableType":
    from rich.table import Table

    table = Table("skill", "for", "checked", "advice", box=None, pad_edge=False)
    for skill in skills:
        must = sum(one.rule.must for one in skill.rules)
        checked = f"{len(skill.rules)}{f', {must} must' if must else ''}"
        table.add_row(plain(skill.name), plain(_when(skill.when)), checked, str(len(skill.advice)))
    return table


def _page(shown: "ShownSkill") -> "RenderableType":
    lines = [f"{shown.skill.name} ({shown.skill.file}), for: {_when(shown.skill.when)}"]
    if shown.ticket:
        near = "" if shown.nearness is None else f", similarity {shown.nearness:.2f}"
        taken = "is given to chat models" if shown.chosen else "is not given"
        lines.append(f"For {shown.ticket} it {taken}: {shown.because}{near}.")
    unchecked = [f"- line {one.line}: {one.text}" for one in shown.skill.advice]
    if unchecked:
        lines += ["", "Advice that no check was found for:", *unchecked]
    return plain("\n".join([*lines, "", shown.text]))


def _results(found: "Adherence") -> "RenderableType":
    lines = [f"{found.ticket}: {found.looked_at}."]
    for result in found.results:
        weight = "must" if result.must else "should"
        lines.append(
            f"  {result.outcome.replace('_', ' '):<14} {weight:<6} {result.rule}"
            f" ({result.skill}:{result.line})"
        )
        lines += [f"      {place}" for place in result.where]
    lines += [f"  advice                {text}" for text in found.advice]
    if not found.results and not found.advice:
        lines.append("  No rule is for it.")
    lines.append("Ready, as far as rules go." if found.ready else "Not ready: a must is not kept.")
    return plain("\n".join(lines))
