import numpy as np
from attention import attend, collate, softmax, weights

RNG = np.random.default_rng(1)


def test_padding_gets_nothing():
    for lengths in ([3, 5, 1], [2, 2, 4]):
        _, mask = collate([list(range(n)) for n in lengths], 5)
        queries, keys = RNG.normal(size=(3, 2, 4)), RNG.normal(size=(3, 5, 4))
        given = weights(queries, keys, mask)
        for row, length in enumerate(lengths):
            np.testing.assert_allclose(given[row, :, length:], 0, atol=1e-12)
            np.testing.assert_allclose(given[row, :, :length].sum(axis=-1), 1)


def test_scores_matter_without_padding():
    queries, keys = RNG.normal(size=(1, 2, 4)), RNG.normal(size=(1, 3, 4))
    expected = softmax(queries @ keys.transpose(0, 2, 1) / 2)
    np.testing.assert_allclose(weights(queries, keys, np.ones((1, 3))), expected)


def test_padding_content_is_irrelevant():
    _, mask = collate([[1, 2], [3]], 4)
    queries, keys, values = (RNG.normal(size=(2, 4, 6)) for _ in range(3))
    one = attend(queries, keys, values, mask)
    keys[0, 2:], values[0, 2:], values[1, 1:] = 9.0, -7.0, 3.0
    np.testing.assert_allclose(attend(queries, keys, values, mask), one)


def test_collate():
    tokens, mask = collate([[4, 5, 6], [7]], 2)
    assert tokens.tolist() == [[4, 5], [7, 0]]
    assert mask.tolist() == [[1, 1], [1, 0]]


def test_softmax_and_shapes():
    np.testing.assert_allclose(softmax(np.zeros((2, 4))), 0.25)
    out = attend(np.zeros((2, 3, 4)), np.zeros((2, 5, 4)), np.ones((2, 5, 6)), np.ones((2, 5)))
    assert out.shape == (2, 3, 6)
