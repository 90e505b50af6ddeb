"""Front doors: the command line; wires everything together."""
