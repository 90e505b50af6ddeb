"""The attack battery: what is tried against labcrew, and whether it held."""
