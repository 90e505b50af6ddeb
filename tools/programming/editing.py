"""Tools that edit the code: each edit applies exactly, still parses, and stays in its paths."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from labcrew.code_paths import editing_trouble, is_test
from labcrew.domain.base import Model
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from labcrew.line_breaks import LineBreaks
from labcrew.unified_diff import read_diff
from tools.programming.changes import (
    FILE_CHARACTERS,
    base_text,
    call_hash,
    changed_files,
    record_edit,
    text_now,
    told_before,
)
from tools.programming.parsing import parse_trouble
from tools.programming.patching import NoPatch, patched
from tools.programming.replacement import NoReplacement, numbered, replaced
from tools.programming.telling import Told, shown
from tools.toolbox import Tool, Workbench

_AROUND = 3
_SHOWN_LINES = 30


class ReplaceText(Model):
    """Replaces a text that stands in a file exactly once."""

    path: RepositoryPath
    old: str = Field(
        min_length=1,
        max_length=FILE_CHARACTERS,
        description="exactly as it stands, spaces and line breaks too, without line numbers",
    )
    new: str = Field(max_length=FILE_CHARACTERS, description="what stands there instead")


def _readable(diff: str) -> str:
    read_diff(diff)
    return diff


class ApplyDiff(Model):
    """Applies a unified diff to one or more files; one that can't be read is no argument."""

    diff: Annotated[str, AfterValidator(_readable)] = Field(
        min_length=1,
        max_length=FILE_CHARACTERS,
        description="with `--- a/path`, `+++ b/path` and `@@ … @@` lines; context must match",
    )


class WriteFile(Model):
    """Writes a whole file."""

    path: RepositoryPath
    text: str = Field(max_length=FILE_CHARACTERS, description="all of the file's new text")


class RestoreFile(Model):
    """Takes a file back to the base commit."""

    path: RepositoryPath


class Edited(Told):
    """What an edit changed."""

    paths: tuple[str, ...]


def _replace(call: ReplaceText, assigned: AssignedTicket, bench: Workbench) -> Edited:
    def edit() -> dict[str, str | None]:
        text = _existing(bench, assigned, call.path)
        try:
            return {call.path: replaced(text, call.old, call.new)}
        except NoReplacement as error:
            raise ToolError(f"{call.path}: {error}.") from error

    return _edit(replace_text.name, call, assigned, bench, edit)


def _apply(call: ApplyDiff, assigned: AssignedTicket, bench: Workbench) -> Edited:
    def edit() -> dict[str, str | None]:
        texts: dict[str, str | None] = {}
        for file in read_diff(call.diff):
            if file.new is None or (file.old is not None and file.old != file.new):
                raise ToolError(f"{file.path}: files can't be deleted or renamed.")
            known = file.path in texts
            before = texts[file.path] if known else text_now(bench, assigned, file.path)
            if before is not None and file.old is None:
                raise ToolError(
                    f"{file.path} exists already: diff it against a/{file.path}, or write it whole."
                )
            if before is None and file.old is not None:
                raise _missing(file.path)
            try:
                texts[file.path] = patched(before or "", file)
            except NoPatch as error:
                raise ToolError(f"{file.path}: {error}.") from error
        return texts

    return _edit(apply_diff.name, call, assigned, bench, edit)


def _write(call: WriteFile, assigned: AssignedTicket, bench: Workbench) -> Edited:
    def edit() -> dict[str, str | None]:
        before = text_now(bench, assigned, call.path)
        return {call.path: call.text if before is None else LineBreaks.of(before).on(call.text)}

    return _edit(write_file.name, call, assigned, bench, edit)


def _restore(call: RestoreFile, assigned: AssignedTicket, bench: Workbench) -> Edited:
    key = call_hash(restore_file.name, call.model_dump(mode="json"))
    told = f"{call.path} is as the base commit has it again."
    if told_before(bench.ledger, assigned, key) is None:
        if call.path not in changed_files(bench.ledger, assigned):
            raise ToolError(f"{call.path} is as the base commit has it.")
        record_edit(bench, assigned, {call.path: None}, call=key, told=told)
    return Edited(text=told, paths=(call.path,))


def _edit(
    tool: str,
    call: Model,
    assigned: AssignedTicket,
    bench: Workbench,
    edit: Callable[[], dict[str, str | None]],
) -> Edited:
    """Works out the new texts, checks them and writes them down."""
    key = call_hash(tool, call.model_dump(mode="json"))
    if (before_that := told_before(bench.ledger, assigned, key)) is not None:
        return Edited(text=before_that, paths=())
    texts = edit()
    before = {path: text_now(bench, assigned, path) for path in texts}
    if all(before[path] == text for path, text in texts.items()):
        raise ToolError("Nothing would change: the files hold this text already.")
    for path, text in texts.items():
        if trouble := editing_trouble(assigned.ticket, path):
            raise ToolError(f"{trouble}.")
        stood = is_test(path) and base_text(bench, assigned, path) is not None
        if stood and path not in assigned.ticket.editable:
            raise ToolError(
                f"{path} is a test of the repository, and judges the change; the ticket must name"
                " it in editable one by one."
            )
        if before[path] is None:
            _refuse_a_place_below_a_file(bench, assigned, path)
        if text is not None:
            _refuse_what_does_not_parse(bench, assigned, path, before[path], text)
    told = shown("\n".join(_told(path, before[path], text or "") for path, text in texts.items()))
    record_edit(bench, assigned, texts, call=key, told=told)
    return Edited(text=told, paths=tuple(texts))


def _refuse_what_does_not_parse(
    bench: Workbench, assigned: AssignedTicket, path: str, before: str | None, text: str
) -> None:
    trouble = parse_trouble(bench, assigned, path, text)
    if trouble is None:
        return
    if before is not None and parse_trouble(bench, assigned, path, before) is not None:
        return  # it did not parse before either: it may take several edits to mend it
    line, message = trouble
    lines = text.split("\n")
    begin = max(0, (line or 1) - 1 - _AROUND)
    stands = numbered(lines[begin : begin + 2 * _AROUND + 1], begin + 1) if line else ""
    raise ToolError(
        f"{path} would not parse any more: {message}"
        + (f" (line {line} of the new text):\n{stands}" if line else ".")
        + "\nNothing was changed."
    )


def _refuse_a_place_below_a_file(bench: Workbench, assigned: AssignedTicket, path: str) -> None:
    known = {
        *bench.repositories.files(assigned.id, assigned.base_commit),
        *changed_files(bench.ledger, assigned),
    }
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if (above := "/".join(parts[:depth])) in known:
            raise ToolError(f"{above} is a file or a link: nothing can be written below it.")
    if any(other.startswith(f"{path}/") for other in known):
        raise ToolError(f"{path} is a folder.")


def _existing(bench: Workbench, assigned: AssignedTicket, path: str) -> str:
    text = text_now(bench, assigned, path)
    if text is None:
        raise _missing(path)
    return text


def _missing(path: str) -> ToolError:
    return ToolError(f"There is no file {path}.", "write_file makes a new one.")


def _told(path: str, before: str | None, after: str) -> str:
    """The place that changed, as it reads now."""
    if before is None:
        return f"{path} is made, with {after.count(chr(10)) + 1} lines."
    old, new = before.split("\n"), after.split("\n")
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
    if first is None:
        first = min(len(old), len(new)) - 1
    same = 0
    while same < min(len(old), len(new)) - first - 1 and old[-1 - same] == new[-1 - same]:
        same += 1
    begin = max(0, first - _AROUND)
    part = new[begin : max(first + 1, len(new) - same) + _AROUND]
    cut = " …" if len(part) > _SHOWN_LINES else ""
    return f"{path} is edited and reads now:\n{numbered(part[:_SHOWN_LINES], begin + 1)}{cut}"


replace_text = Tool("replace_text", ReplaceText, _replace)
apply_diff = Tool("apply_diff", ApplyDiff, _apply)
write_file = Tool("write_file", WriteFile, _write)
restore_file = Tool("restore_file", RestoreFile, _restore)
