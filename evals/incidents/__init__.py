"""Training runs with faults put in, and the supervisor that is to notice and to help."""
