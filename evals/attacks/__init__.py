"""What is tried against the boundaries: `labcrew doctor --attack`."""
