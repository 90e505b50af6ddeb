"""A unigram and bigram language model and its scores."""

import math
from collections import Counter


class Unigram:
    """Symbol frequencies with add-k smoothing."""

    def __init__(self, symbols, vocabulary, k=1.0):
        self.counts = Counter(symbols)
        self.vocabulary = tuple(vocabulary)
        self.k = k
        self.total = sum(self.counts[s] for s in self.vocabulary)

    def probability(self, symbol):
        """How likely a symbol of the vocabulary is."""
        return (self.counts[symbol] + self.k) / (self.total + self.k * len(self.vocabulary))


def bits(model, symbols):
    """The symbols' total information in bits."""
    return -sum(math.log2(model.probability(symbol)) for symbol in symbols)


def bits_per_symbol(model, symbols):
    """Cross-entropy in bits."""
    return bits(model, symbols) / len(symbols)


def perplexity(model, symbols):
    """How many equally likely symbols would be as surprising.

    Raises ValueError without symbols.
    """
    if not symbols:
        raise ValueError("no symbols")
    return math.exp(bits_per_symbol(model, symbols))
