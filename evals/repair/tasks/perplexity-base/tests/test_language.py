import math

import pytest
from language import Unigram, bits, bits_per_symbol, perplexity


@pytest.mark.parametrize("size", [2, 5, 50])
def test_uniform_model(size):
    model = Unigram([], range(size))
    assert perplexity(model, list(range(size))) == pytest.approx(size)


def test_perplexity_of_counts():
    model = Unigram("aab", "ab", k=0.0)
    right = 1 / ((2 / 3) * (1 / 3)) ** 0.5
    assert perplexity(model, "ab") == pytest.approx(right)


def test_bits():
    model = Unigram([], range(50))
    assert bits_per_symbol(model, [1, 2, 3]) == pytest.approx(math.log2(50))
    assert bits(model, [1, 2]) == pytest.approx(2 * math.log2(50))


def test_probability_and_errors():
    model = Unigram("aab", "abc")
    assert sum(model.probability(s) for s in "abc") == pytest.approx(1.0)
    with pytest.raises(ValueError):
        perplexity(model, "")
