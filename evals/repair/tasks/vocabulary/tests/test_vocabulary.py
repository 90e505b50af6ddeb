import pytest
from vocabulary import Vocabulary, words

TEXTS = ["the cat sat on the mat", "the dog and the cat", "a bird sang to the dog"]


def test_unknown_words_stay_unknown():
    vocabulary = Vocabulary(TEXTS)
    assert vocabulary.decode(vocabulary.encode("the zebra sat")) == "the <unk> sat"
    assert vocabulary.encode("zebra") == [1]
    assert vocabulary.encode("the") == [2]


def test_numbers_are_dense_and_unique():
    vocabulary = Vocabulary(TEXTS)
    different = {word for text in TEXTS for word in words(text)}
    assert len(vocabulary) == len(different) + 2
    assert sorted(vocabulary.numbers.values()) == list(range(len(different) + 2))


@pytest.mark.parametrize("size", [3, 5, 10])
def test_max_size_counts_the_signs(size):
    vocabulary = Vocabulary(TEXTS, max_size=size)
    assert len(vocabulary) == size
    assert max(vocabulary.numbers.values()) == size - 1


def test_known_words_round_trip():
    vocabulary = Vocabulary(TEXTS)
    assert vocabulary.decode(vocabulary.encode("cat sat on mat")) == "cat sat on mat"


def test_length():
    vocabulary = Vocabulary(TEXTS)
    assert vocabulary.encode("cat", 3)[1:] == [0, 0]
    assert len(vocabulary.encode("cat sat on mat", 2)) == 2
