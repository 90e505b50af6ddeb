"""The real embedding model."""

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.embedding import OnnxEmbedder


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder()


def similarity(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_a_paraphrase_is_nearer_than_another_subject(embedder: OnnxEmbedder) -> None:
    step, paraphrase, other = embedder.embed(
        [
            "Training diverges when the learning rate is too large.",
            "A step size that is too big makes optimisation blow up.",
            "The museum is closed on Mondays.",
        ]
    )
    assert similarity(step, paraphrase) > similarity(step, other) + 0.2


def test_a_text_has_the_same_vector_alone_and_in_company(embedder: OnnxEmbedder) -> None:
    texts = ["short", "a much longer text about momentum " * 20, "", "middle sized text here"] * 20
    together = embedder.embed(texts)
    for text, vector in list(zip(texts, together, strict=True))[:8]:
        [alone] = embedder.embed([text])
        assert alone == pytest.approx(vector, abs=1e-5)


def test_text_past_the_limit_is_not_seen(embedder: OnnxEmbedder) -> None:
    start = "momentum " * 300
    one, two = embedder.embed([start + "cats", start + "dogs"])
    assert one == two


def test_no_texts(embedder: OnnxEmbedder) -> None:
    assert embedder.embed([]) == []


@settings(max_examples=40)
@given(st.text(alphabet=st.characters(), max_size=300))
def test_every_text_has_a_unit_vector(embedder: OnnxEmbedder, text: str) -> None:
    [vector] = embedder.embed([text])
    assert len(vector) == embedder.dimensions == 384
    assert math.isclose(similarity(vector, vector), 1, abs_tol=1e-4)


def test_threads_share_one_embedder() -> None:
    embedder = OnnxEmbedder()
    texts = [f"sentence number {n} about training" for n in range(8)]
    expected = embedder.embed(texts)
    answers: list[list[list[float]]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(OnnxEmbedder.embed(embedder, texts)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    for answer in answers:
        for vector, wanted in zip(answer, expected, strict=True):
            assert vector == pytest.approx(wanted, abs=1e-5)
