#!/bin/sh
# Trains and scores; settings come from the environment.
set -eu
: "${SMOOTHING:=5.0}" "${NGRAMS:=1}" "${MIN_COUNT:=3}" "${SEED:=0}"
mkdir -p out
exec python3 bayes.py "$SMOOTHING" "$NGRAMS" "$MIN_COUNT" "$SEED" | tee out/train.log
