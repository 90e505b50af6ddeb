"""An optimiser that cheats: patches that a candidate applies, and the loop that judges them."""
