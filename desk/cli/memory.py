"""Commands on the shared memory: search, rebuild."""

from typing import Annotated

import typer

from desk.cli.common import HomeOption, JsonOption, answer, group, guarded, printable

app = group("The crew's shared memory.")


@app.command()
@guarded
def search(
    query: Annotated[str, typer.Argument(metavar="TEXT")],
    scope: Annotated[str, typer.Option(help="findings, lessons or trials.")] = "lessons",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 8,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search the memory by meaning."""
    from desk.views.held import Present
    from desk.wiring import open_home
    from labcrew.errors import InputError
    from memory.chroma import ChromaMemory
    from memory.embedding import OnnxEmbedder

    if scope not in ("findings", "lessons", "trials"):
        raise InputError(f"There is no scope {scope!r}.", "Known: findings, lessons, trials.")
    with open_home(home) as opened, opened.home.owned():
        memory = ChromaMemory(opened.home.memory, OnnxEmbedder())
        try:
            near = memory.recall(scope, query, limit=limit)
        finally:
            memory.close()
        present = Present(opened.ledger)
        found = [
            hit.model_copy(update={"lapsed": present.held(hit.record).state == "lapsed"})
            for hit in near
        ]
    answer(
        found,
        as_json,
        lambda: printable(
            "\n".join(
                f"{hit.similarity:.2f}  {hit.record.id}  {hit.record.text}"
                f"{'  (lapsed)' if hit.lapsed else ''}"
                for hit in found
            )
            or "Nothing is remembered there yet."
        ),
    )


@app.command()
@guarded
def rebuild(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make the memory's index anew from the ledger."""
    from desk.wiring import open_home
    from memory.chroma import ChromaMemory
    from memory.embedding import OnnxEmbedder
    from memory.rebuild import rebuild as make_anew

    with open_home(home) as opened, opened.home.owned():
        memory = ChromaMemory(opened.home.memory, OnnxEmbedder())
        try:
            count = make_anew(memory, opened.ledger)
        finally:
            memory.close()
    answer({"records": count}, as_json, lambda: f"The memory holds {count} records.")
