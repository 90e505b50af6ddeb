"""What is done for self-evolution: candidates run, outputs scored, rounds committed."""
