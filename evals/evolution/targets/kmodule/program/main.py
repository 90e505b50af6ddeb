"""Writes down which modules pipeline.py has put together: python main.py INPUT OUTPUT."""

import json
import sys

import pipeline

PLACES = ("LOADER", "PREPROCESSOR", "ALGORITHM", "FORMATTER")

if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        json.load(file)
    with open(sys.argv[2], "w") as file:
        json.dump({place.lower(): getattr(pipeline, place) for place in PLACES}, file)
