"""What passes of an output that is longer than its cap, to who watches the run."""

from hypothesis import given
from hypothesis import strategies as st

from sandboxes.logs import Thinned

CAP = 1 << 20


def test_what_is_within_the_cap_passes_at_any_speed() -> None:
    thinned = Thinned(CAP)
    assert all(thinned.take(b"step 1\n" * 1000, 0.0) == b"step 1\n" * 1000 for _ in range(149))


def test_a_run_that_prints_slowly_past_the_cap_is_seen_whole() -> None:
    thinned = Thinned(CAP)
    thinned.take(b"x" * (CAP - 1000) + b"\n", 0.0)
    for second in range(3000):
        line = b"step %d loss 0.5\n" % second
        assert thinned.take(line, float(second)) == line


@given(st.lists(st.integers(min_value=1, max_value=9000), min_size=50, max_size=300))
def test_of_a_flood_whole_lines_pass_and_few_a_second(sizes: list[int]) -> None:
    flood = b"".join(b"step %d loss 0.5\n" % n for n in range(60_000))
    thinned, at, passed = Thinned(CAP // 16), 0, []
    for turn, size in enumerate(sizes):
        passed.append(thinned.take(flood[at : at + size], turn / 1000))
        at += size
    text = b"".join(passed)
    lines = [line for line in text.split(b"\n")[:-1] if line]
    assert set(lines) <= set(flood.split(b"\n"))
    assert len(text) <= CAP // 16 + CAP // 16 // 1024 + 9000
