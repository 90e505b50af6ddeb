"""What is tried against labcrew's boundaries: `labcrew doctor --attack`, or `python -m evals.attacks`."""
