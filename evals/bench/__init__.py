"""What labcrew itself costs: start-up, time a trial, bytes a trial. `python -m evals.bench`."""
