"""Unified diffs: read as models write them, applied where their context stands, or not at all."""

from contextlib import suppress
from difflib import unified_diff

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.unified_diff import FileDiff, NotADiff, read_diff
from tools.programming.patching import NoPatch, patched

# Lines that look like parts of a diff are among them.
LINES = st.lists(
    st.sampled_from(["a", "b", "", " c", "-- x", "++ y", "@@ -1 +1 @@", "- d", "def f():", "\\ e"]),
    max_size=14,
)


def diff_of(before: list[str], after: list[str], context: int = 3) -> str:
    made = unified_diff(
        [f"{line}\n" for line in before], [f"{line}\n" for line in after], "a/f", "b/f", n=context
    )
    return "".join(made)


def text_of(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def apply(text: str, diff: str) -> str:
    [file] = read_diff(diff)
    return patched(text, file)


@settings(max_examples=300)
@given(LINES, LINES, st.integers(0, 3))
def test_what_difflib_makes_applies(before: list[str], after: list[str], context: int) -> None:
    if before != after:
        assert apply(text_of(before), diff_of(before, after, context)) == text_of(after)


@given(st.permutations(range(12)), st.integers(0, 11), st.lists(st.just("other"), max_size=5))
def test_hunks_are_found_where_they_moved_to(order: list[int], at: int, above: list[str]) -> None:
    before = [f"line {n}" for n in order]
    after = [*before[:at], "new", *before[at + 1 :]]
    moved = apply(text_of([*above, *before]), diff_of(before, after))
    assert moved == text_of([*above, *after])


@given(LINES, LINES, LINES)
def test_it_applies_to_another_text_right_or_not_at_all(
    before: list[str], after: list[str], other: list[str]
) -> None:
    """Whatever comes of another text: what was taken out stood there, what was put in stands."""
    if before == after:
        return
    result = None
    with suppress(NoPatch):
        result = apply(text_of(other), diff_of(before, after))
    if result is not None:
        assert result.count("\n") == len(other) + len(after) - len(before)


@given(st.text(max_size=200))
def test_wild_texts_are_refused_in_words(text: str) -> None:
    files: tuple[FileDiff, ...] | None = None
    with suppress(NotADiff):
        files = read_diff(text)
    assert files is None or files


BEFORE = "import os\n\ndef f(x):\n    y = x + 1\n    return y\n\nprint(f(1))\n"


def test_wrong_counts_and_line_numbers_do_no_harm() -> None:
    diff = "--- a/f\n+++ b/f\n@@ -90,2 +90,9 @@\n def f(x):\n-    y = x + 1\n+    y = x + 2\n"
    assert apply(BEFORE, diff) == BEFORE.replace("x + 1", "x + 2")


def test_a_count_that_ends_at_a_blank_line_loses_nothing_behind_it() -> None:
    """Models count too few lines and take the space of an empty one away, both at once."""
    diff = (
        "--- a/f\n+++ b/f\n@@ -4,2 +4,2 @@\n     y = x + 1\n-    return y\n+    return -y\n"
        "\n-print(f(1))\n+print(f(2))\n"
    )
    assert apply(BEFORE, diff) == BEFORE.replace("return y", "return -y").replace("(1)", "(2)")


@pytest.mark.parametrize("counts", ["-4,1 +4,1", "-4,9 +4,9"])
def test_what_stands_below_a_patch_is_no_part_of_it(counts: str) -> None:
    hunk = f"--- a/f\n+++ b/f\n@@ {counts} @@\n-    y = x + 1\n+    y = x + 2\n"
    assert apply(BEFORE, f"{hunk}-- \n2.39.5\n\n") == BEFORE.replace("x + 1", "x + 2")
    exact = hunk.replace(counts, "-4,1 +4,1")
    assert apply(BEFORE, f"{exact}\nThis mends it.\n") == BEFORE.replace("x + 1", "x + 2")


def test_a_header_without_numbers() -> None:
    diff = "--- f\n+++ f\n@@ @@\n-    return y\n+    return -y\n"
    assert apply(BEFORE, diff) == BEFORE.replace("return y", "return -y")


def test_blank_context_without_its_space() -> None:
    diff = "--- f\n+++ f\n@@ -1,3 +1,3 @@\n-import os\n+import sys\n\n def f(x):\n"
    assert apply(BEFORE, diff) == BEFORE.replace("import os", "import sys")


def test_the_first_hunk_that_fails_is_shown_with_what_stands_there() -> None:
    diff = (
        "--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-import os\n+import sys\n"
        "@@ -3,3 +3,3 @@\n def f(x):\n-    y = x + 7\n+    y = 0\n     return y\n"
    )
    with pytest.raises(NoPatch) as caught:
        apply(BEFORE, diff)
    said = str(caught.value)
    assert "hunk 2 of 2 (line 6 of the diff)" in said
    assert "-\t    y = x + 7" in said
    assert "    4\t    y = x + 1" in said


def test_a_hunk_that_fits_twice_is_refused_unless_its_number_says_where() -> None:
    text = "a\nb\na\nb\n"
    with pytest.raises(NoPatch, match="several places, lines 1, 3"):
        apply(text, "--- f\n+++ f\n@@ @@\n a\n-b\n+c\n")
    assert apply(text, "--- f\n+++ f\n@@ -3,2 +3,2 @@\n a\n-b\n+c\n") == "a\nb\na\nc\n"


def test_a_file_without_a_last_line_break() -> None:
    diff = "--- f\n+++ f\n@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n"
    assert apply("a", diff) == "a\nb\n"
    kept = "--- f\n+++ f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end\n"
    assert apply("a", kept) == "b"
    assert apply("a\nb", "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n") == "a\nc"


def test_a_new_file_and_several_files() -> None:
    files = read_diff(
        "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n"
        "@@ -0,0 +1,2 @@\n+1\n+2\n"
        "diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-old\n+new\n"
    )
    assert [(file.old, file.new) for file in files] == [(None, "x"), ("y", "y")]
    assert patched("", files[0]) == "1\n2\n"


def test_crlf_stays() -> None:
    assert apply("a\r\nb\r\n", "--- f\n+++ f\n@@ -2 +2 @@\n-b\n+c\n") == "a\r\nc\r\n"


@pytest.mark.parametrize(
    ("diff", "said"),
    [
        ("", "holds no"),
        ("@@ -1 +1 @@\n-a\n+b\n", "without `--- path`"),
        ("--- f\n+++ f\n", "no hunk"),
        ("--- f\n+++ f\n@@ -1 +1 @@\n a\n", "changes nothing"),
        ("--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n*c\n", "line of a hunk begins"),
        ("rename from a\nrename to b\n", "renamed"),
    ],
)
def test_what_is_no_diff_is_told(diff: str, said: str) -> None:
    with pytest.raises(NotADiff, match=said):
        read_diff(diff)
