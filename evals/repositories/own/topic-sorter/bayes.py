import math
import random
import sys
from collections import Counter

TOPICS = {
    "garden": "soil seed water leaf pot rose bloom prune shade compost root lawn bulb weed",
    "kitchen": "salt oven butter stir boil pan flour sugar bake slice root leaf pot water",
    "travel": "train ticket hotel map border ferry luggage bridge coast hike shade water boil",
    "music": "chord tempo string bow note drum scale root bridge bass verse chorus slice",
}
FILLER = "the a and then some more with after before again very little today we they it".split()


def notes(count, rng):
    for _ in range(count):
        topic = rng.choice(sorted(TOPICS))
        words = TOPICS[topic].split()
        length = rng.randint(3, 8)
        text = []
        for _ in range(length):
            pool = FILLER if rng.random() < 0.45 else words
            if rng.random() < 0.12:
                pool = TOPICS[rng.choice(sorted(TOPICS))].split()
            text.append(rng.choice(pool))
        yield text, topic


def grams(text, n):
    return [" ".join(text[i : i + k]) for k in range(1, n + 1) for i in range(len(text) - k + 1)]


def main(smoothing, ngrams, min_count, seed):
    world = random.Random(5)
    train, dev = list(notes(300, world)), list(notes(600, world))
    random.Random(seed).shuffle(train)
    train = train[:240]
    total = Counter(g for text, _ in train for g in grams(text, ngrams))
    known = {g for g, c in total.items() if c >= min_count}
    counts = {topic: Counter() for topic in TOPICS}
    priors = Counter()
    for text, topic in train:
        priors[topic] += 1
        counts[topic].update(g for g in grams(text, ngrams) if g in known)

    def score(text, topic):
        size = sum(counts[topic].values()) + smoothing * len(known)
        return math.log(priors[topic] + 1) + sum(
            math.log((counts[topic][g] + smoothing) / size)
            for g in grams(text, ngrams)
            if g in known
        )

    right = sum(max(TOPICS, key=lambda t: score(text, t)) == topic for text, topic in dev)
    print(f"vocabulary: {len(known)}")
    print(f"dev accuracy: {right / len(dev):.4f}")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
