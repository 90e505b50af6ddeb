"""Secrets are taken out of what is kept, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.redaction import Redaction, secrets_of

KEEP = [
    "authorization = get_header()",
    "task-abcdefghijklmnopqrs",
    "def token(key): return key",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "https://host:8000/v1/chat@2",
    "lr = 1e-3  # Bearer of bad news",
]
SECRETS = [
    "sk-proj-" + "a1B2c3D4e5F6g7H8",
    "gh" + "p_" + "A" * 36,
    "github" + "_pat_" + "A1" * 20,
    "gl" + "pat-" + "x" * 20,
    "h" + "f_" + "a" * 34,
    "AK" + "IA" + "ABCDEFGHIJKLMNOP",
    "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "ls" + "v2_pt_" + "0123456789abcdef0123",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("text", KEEP)
def test_ordinary_text_stays(text: str) -> None:
    assert Redaction(["short"])(text) == text


@pytest.mark.parametrize("secret", SECRETS)
def test_shapes_of_secrets_go(secret: str) -> None:
    text = Redaction()(f'before "{secret}", after')
    assert secret not in text
    assert text == 'before "[secret]", after'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abc123def", "Authorization: Bearer [secret]"),
        ('{"authorization": "Basic dXNlcjpwdw=="}', '{"authorization": "Basic [secret]"}'),
        ("api-key: 0123456789abcdef0123", "api-key: [secret]"),
        ("curl -H 'x: bearer 0123456789abcdef'", "curl -H 'x: bearer [secret]'"),
        ("postgresql://me:hunter2@db/lab", "postgresql://me:[secret]@db/lab"),
    ],
)
def test_headers_and_logins_go(text: str, left: str) -> None:
    assert Redaction()(text) == left


@given(st.text(min_size=8, max_size=60), st.text(max_size=200), st.text(max_size=200))
def test_a_known_secret_never_stays(secret: str, before: str, after: str) -> None:
    redact = Redaction([secret])
    left = redact(before + secret + after)
    if secret not in "[secret]":
        assert secret not in left.replace("[secret]", "\0")


@given(st.text(max_size=400))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = Redaction(["hunter2hunter2"])(text)
    assert Redaction(["hunter2hunter2"])(once) == once


def test_variables_named_like_secrets() -> None:
    environment = {
        "OPENAI_API_KEY": "aaaaaaaaa",
        "LABCREW_MODELS__DEFAULT__API_KEY": "bbbbbbbbb",
        "DB_PASSWORD": "ccccccccc",
        "KEYBOARD": "us",
        "SSH_KEY_PATH": "/home/me/.ssh/id",
        "TOKENIZERS_PARALLELISM": "false",
    }
    assert sorted(secrets_of(environment)) == ["aaaaaaaaa", "bbbbbbbbb", "ccccccccc"]
