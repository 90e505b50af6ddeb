"""A build may print what it likes: what pip said around it is still there."""

from hypothesis import given
from hypothesis import strategies as st

from sandboxes.environments.pip_log import LOG_CHARACTERS, pips_words


def test_a_long_build_hides_nothing_of_pips() -> None:
    noise = "\n".join(f"      not found in /usr/lib ({index})" for index in range(3000))
    head = "Collecting old==1\n  ╰─> [3000 lines of output]\n"
    log = f"{head}{noise}\n      [end of output]\nerror: x\n"
    words = pips_words(log)
    assert words.startswith("Collecting old==1\n")
    assert words.endswith("error: x")
    assert "(2999)" in words
    assert "(100)" not in words


@given(st.text(max_size=500), st.integers(min_value=0, max_value=40))
def test_any_log_is_kept_within_bounds(text: str, times: int) -> None:
    words = pips_words(text * times)
    assert len(words) <= LOG_CHARACTERS
    assert set(words) <= set(text) | {"\n"}
