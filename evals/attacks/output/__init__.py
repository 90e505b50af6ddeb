"""Part "output" of the battery: what a program prints, on its way to whoever reads it."""
