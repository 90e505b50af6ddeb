"""Words and their numbers."""

from collections import Counter

PAD = "<pad>"
UNKNOWN = "<unk>"
SIGNS = (PAD, UNKNOWN)


def words(text):
    """Lower-case words."""
    return text.lower().split()


class Vocabulary:
    """Numbers for the most frequent words; 0 is padding, 1 unknown.

    Args:
        texts: to count words in; ties go by the alphabet.
        max_size: numbers there may be, the two signs included; None: no limit.
    """

    def __init__(self, texts, max_size=None):
        counts = Counter(word for text in texts for word in words(text))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        if max_size is not None:
            ranked = ranked[: max_size - len(SIGNS)]
        self.numbers = {sign: number for number, sign in enumerate(SIGNS)}
        for number, word in enumerate(ranked, start=len(SIGNS)):
            self.numbers[word] = number
        self.names = {number: word for word, number in self.numbers.items()}

    def __len__(self):
        return len(self.names)

    def encode(self, text, length=None):
        """The words' numbers, cut or padded to a length where one is given."""
        numbers = [self.numbers.get(word, self.numbers[UNKNOWN]) for word in words(text)]
        if length is not None:
            numbers = numbers[:length] + [self.numbers[PAD]] * (length - len(numbers))
        return numbers

    def decode(self, numbers):
        """The words, without padding."""
        return " ".join(self.names[n] for n in numbers if n != self.numbers[PAD])
