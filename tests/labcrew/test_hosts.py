"""Host names as tickets and settings write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from labcrew.domain.hosts import Host, PrivateHost, host_rule

HOST = TypeAdapter[str](Host)
PRIVATE = TypeAdapter[str](PrivateHost)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("data.example.org", "data.example.org"),
        (" Data.Example.ORG:443\n", "data.example.org"),
        ("*.example.org:8443", "*.example.org:8443"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_name_is_kept_in_one_spelling(written: str, kept: str) -> None:
    assert HOST.validate_python(written) == kept
    assert HOST.validate_python(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "localhost", "example", "a.localhost", "127.0.0.1", "10.1", "0x7f.1", "1.2.3.0x4",
        "[::1]", "::1", "example.org.", ".example.org", "a..b.org", "-a.example.org",
        "a_b.example.org", "user@example.org", "https://example.org", "example.org/x",
        "example.org:0", "example.org:65536", "example.org:https", "example.org:", "ex ample.org",
        "bücher.example", "a\0.example.org",
    ],
)  # fmt: skip
def test_what_is_no_host_name_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        HOST.validate_python(written)


@pytest.mark.parametrize("suffix", ["com", "co.uk", "github.io", "s3.amazonaws.com"])
def test_a_wildcard_over_names_of_many_owners_is_refused(suffix: str) -> None:
    with pytest.raises(ValidationError):
        HOST.validate_python(f"*.{suffix}")
    assert host_rule(f"*.lab.{suffix}").below


@pytest.mark.parametrize("written", ["*", "*.", "*.*.example.org", "a.*.example.org", "*a.org"])
def test_a_star_stands_alone_in_front(written: str) -> None:
    with pytest.raises(ValidationError):
        HOST.validate_python(written)


@given(st.text(max_size=60))
def test_whatever_is_written_is_refused_or_plain(written: str) -> None:
    try:
        rule = host_rule(written)
    except ValueError:
        return
    assert rule.host.isascii()
    assert rule.host == rule.host.lower()
    assert 0 < rule.port < 65536
    assert not rule.host.rpartition(".")[2][0].isdigit()


def test_a_private_host_may_say_its_address() -> None:
    assert PRIVATE.validate_python("models.example.org=10.0.0.5") == "models.example.org=10.0.0.5"
    assert PRIVATE.validate_python("models.example.org") == "models.example.org"
    for wrong in ("*.example.org", "models.example.org:80", "models.example.org=here", "=10.0.0.5"):
        with pytest.raises(ValidationError):
            PRIVATE.validate_python(wrong)
