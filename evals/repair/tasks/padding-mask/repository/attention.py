"""Attention over padded batches."""

import numpy as np

LOW = -1e9


def collate(sequences, length, pad=0):
    """(tokens, mask): both batch × length; the mask is 1 where there is a token."""
    tokens = np.full((len(sequences), length), pad)
    mask = np.zeros((len(sequences), length))
    for row, sequence in enumerate(sequences):
        kept = sequence[:length]
        tokens[row, : len(kept)] = kept
        mask[row, : len(kept)] = 1
    return tokens, mask


def softmax(scores):
    """Over the last axis."""
    exponents = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def weights(queries, keys, mask):
    """Attention weights: batch × queries × keys, 0 on padding.

    Args:
        queries: batch × queries × width.
        keys: batch × keys × width.
        mask: batch × keys.
    """
    scores = queries @ keys.transpose(0, 2, 1) / np.sqrt(queries.shape[-1])
    return softmax(np.where(mask[:, None, :] > 0, LOW, scores))


def attend(queries, keys, values, mask):
    """The weighted mean of the values for each query."""
    return weights(queries, keys, mask) @ values
