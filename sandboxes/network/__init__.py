"""A sandbox's way to the few hosts that it may reach, through a proxy of labcrew's own."""
