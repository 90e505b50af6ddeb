"""Part "network" of the battery: what a sandbox can reach, and what can reach it."""
