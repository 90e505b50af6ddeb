"""How often a paraphrase recalls its statement first: the embedding against plain word counts.

Usage: python -m evals.recall

40 statements of a machine-learning lab's memory; for 20 of them a paraphrase that avoids their
words (the hard case) and a question as a colleague would ask it. All were written for this check;
recall@1 is the share whose nearest statement is the right one. The control is TF-IDF with cosine
similarity.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable

from labcrew.domain.base import Model
from labcrew.domain.research import Embedder
from memory.embedding import OnnxEmbedder

# Statement, paraphrase, question; "" where a statement is only there to be confused with.
PAIRS: tuple[tuple[str, str, str], ...] = (
    (
        "The loss became NaN after the step size was raised to 10.",
        "Training blew up once we made the learning rate that big.",
        "Did training diverge when the learning rate was set too high?",
    ),
    (
        "Halving the batch size fixed the out-of-memory crash on the second trial.",
        "Feeding fewer examples at once stopped the process from exhausting RAM.",
        "What helps when a trial runs out of memory?",
    ),
    (
        "Seven percent of the training labels disagree with their nearest neighbours.",
        "Some annotations look wrong compared with similar samples.",
        "How many labels in the training data look wrong?",
    ),
    (
        "Validation images also appear in the training file.",
        "The split leaks: we evaluate on examples the network has already seen.",
        "Is there an overlap between the training and validation images?",
    ),
    (
        "Momentum of 0.9 reached the target in half the epochs.",
        "Keeping a running velocity of the gradient made convergence about twice as quick.",
        "How much faster does it converge with momentum?",
    ),
    (
        "Weight decay above 0.01 kept the network from fitting at all.",
        "Penalising large parameters too hard led to underfitting.",
        "What happens when weight decay is too strong?",
    ),
    (
        "The gain over the baseline is smaller than the spread between seeds.",
        "Random initialisation explains more of the difference than our change does.",
        "Is the improvement larger than the noise between random seeds?",
    ),
    (
        "Clipping gradients at norm 1 removed the loss spikes.",
        "Sudden jumps of the objective vanished when we bounded the size of updates.",
        "How do we get rid of spikes in the loss?",
    ),
    (
        "The evaluator rejects predictions without an id column.",
        "Scoring fails if rows of the output can't be matched by their key.",
        "Why would the evaluator refuse the predictions?",
    ),
    (
        "Early stopping at epoch 12 gives the best holdout accuracy.",
        "Going on beyond a dozen passes makes the test result worse.",
        "At which epoch should training stop?",
    ),
    (
        "Standardising the inputs made training insensitive to the initial weights.",
        "After scaling features to zero mean and unit variance the start mattered little.",
        "Does normalising the inputs help with weight initialisation?",
    ),
    (
        "The data loader shuffles with a fixed seed, so every epoch sees one order.",
        "Examples arrive in the same sequence each time because the generator is constant.",
        "Is the training data shuffled differently in each epoch?",
    ),
    (
        "A wider hidden layer helped only after the duplicates were gone.",
        "More neurons paid off once repeated rows had been removed.",
        "Do more hidden units improve the network?",
    ),
    (
        "Mixed precision halved the time of a run without changing accuracy.",
        "Using 16-bit floats made it twice as fast at equal quality.",
        "Can we make runs faster with half precision?",
    ),
    (
        "Label smoothing lowered calibration error but not the top-1 error.",
        "Softening the targets gave more honest probabilities, though no better predictions.",
        "What is label smoothing good for?",
    ),
    (
        "The smoke test failed because the requirements file pins an old NumPy.",
        "A quick check broke on an outdated array library in the dependency list.",
        "Why did the smoke test not pass?",
    ),
    (
        "Trials on the cleaned data beat the originals at each of three seeds.",
        "Taking out the suspicious rows consistently improved results.",
        "Is training on cleaned data better than on the original?",
    ),
    (
        "Cosine annealing made the final accuracy independent of the initial learning rate.",
        "Letting the step shrink along a smooth curve removed the sensitivity to its start.",
        "Which learning rate schedule makes the starting value unimportant?",
    ),
    (
        "The run stalled for ten minutes because logging blocked on a full pipe.",
        "Nothing was printed for a while; writing output had hung.",
        "Why did the run hang without any output?",
    ),
    (
        "Dropout hurts networks with fewer than 64 hidden units.",
        "Randomly silencing activations is harmful for small models.",
        "Should we use dropout in a small network?",
    ),
    ("The learning rate of 0.001 left the network half trained after 30 epochs.", "", ""),
    ("A learning rate of 0.1 is a safe start for this repository.", "", ""),
    ("Larger batches need a proportionally larger step size.", "", ""),
    ("The second trial ended with exit code 137.", "", ""),
    ("Out-of-memory errors appeared only with data augmentation on.", "", ""),
    ("Nine rows have missing pixels.", "", ""),
    ("The class distribution of training and holdout data is the same.", "", ""),
    ("Duplicated rows make up three percent of the training file.", "", ""),
    ("Momentum 0.99 oscillates around the minimum.", "", ""),
    ("L2 regularisation and weight decay differ for adaptive optimisers.", "", ""),
    ("Three seeds are enough to tell a gain of two points.", "", ""),
    ("The gradient norm grows in the last ten epochs.", "", ""),
    ("Predictions are written as a CSV file beneath the outputs folder.", "", ""),
    ("The holdout is opened once, for the merge request.", "", ""),
    ("He initialisation suits rectified linear units.", "", ""),
    ("Shuffling each epoch anew improved accuracy slightly.", "", ""),
    ("Two hidden layers were no better than one.", "", ""),
    ("A run takes eleven seconds on one core.", "", ""),
    ("The merge request was reviewed and merged by a person.", "", ""),
    ("Test-time augmentation adds half a point and triples the cost.", "", ""),
)


class Recall(Model):
    """What was measured: recall@1, each from 0 to 1."""

    asked: int
    statements: int
    paraphrases: float
    paraphrases_control: float
    questions: float
    questions_control: float
    ms_a_text: float


class TfIdf:
    """Word counts weighed by rarity among the statements, as unit vectors."""

    def __init__(self, statements: list[str]) -> None:
        found = Counter(word for text in statements for word in set(_words(text)))
        self._places = {word: place for place, word in enumerate(sorted(found))}
        self._weights = {w: math.log((1 + len(statements)) / (1 + n)) + 1 for w, n in found.items()}
        self.dimensions = len(self._places)

    def embed(self, texts: list[str]) -> list[list[float]]:
        """One unit vector a text; of zeros where no word is known."""
        vectors = []
        for text in texts:
            vector = [0.0] * self.dimensions
            for word, count in Counter(_words(text)).items():
                if word in self._places:
                    vector[self._places[word]] = count * self._weights[word]
            length = math.sqrt(sum(x * x for x in vector)) or 1.0
            vectors.append([x / length for x in vector])
        return vectors


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9.]*[a-z0-9]", text.lower())


def _recall(embed: Callable[[list[str]], list[list[float]]], wording: int) -> float:
    statements = embed([row[0] for row in PAIRS])
    asked = [(place, row[wording]) for place, row in enumerate(PAIRS) if row[wording]]
    vectors = embed([text for _, text in asked])
    right = 0
    for (place, _), vector in zip(asked, vectors, strict=True):
        near = [sum(a * b for a, b in zip(vector, other, strict=True)) for other in statements]
        right += near.index(max(near)) == place and max(near) > 0
    return right / len(asked)


def measure(embedder: Embedder) -> Recall:
    """Recall@1 of an embedder and of the control."""
    texts = [row[0] for row in PAIRS]
    control = TfIdf(texts)
    embedder.embed(texts[:1])
    started = time.perf_counter()
    embedder.embed(texts)
    spent = time.perf_counter() - started
    return Recall(
        asked=sum(bool(row[1]) for row in PAIRS),
        statements=len(PAIRS),
        paraphrases=_recall(embedder.embed, 1),
        paraphrases_control=_recall(control.embed, 1),
        questions=_recall(embedder.embed, 2),
        questions_control=_recall(control.embed, 2),
        ms_a_text=1000 * spent / len(texts),
    )


def main() -> None:
    """Prints the measurement."""
    found = measure(OnnxEmbedder())
    print(f"recall@1, {found.asked} texts over {found.statements} statements")
    print(
        f"  questions           embedding {found.questions:.2f}"
        f"   TF-IDF {found.questions_control:.2f}"
    )
    print(
        f"  avoiding the words  embedding {found.paraphrases:.2f}"
        f"   TF-IDF {found.paraphrases_control:.2f}"
    )
    print(f"  {found.ms_a_text:.1f} ms a text")


if __name__ == "__main__":
    main()
