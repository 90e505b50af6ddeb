"""Ranks a case's sentences as labcrew's literature review does: python rank.py INPUT OUTPUT."""

import json
import sys

from agents.reading.ranking import best_first
from memory.embedding import OnnxEmbedder


def main(source, target):
    with open(source) as file:
        case = json.load(file)
    sentences, questions = case["sentences"], case["questions"]
    made = OnnxEmbedder().embed([*sentences, *questions])
    vectors, asked = made[: len(sentences)], made[len(sentences) :]
    orders = [
        best_first(sentences, vectors, [question], [vector], case["limit"])
        for question, vector in zip(questions, asked)
    ]
    with open(target, "w") as file:
        json.dump([[int(one) for one in order] for order in orders], file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
