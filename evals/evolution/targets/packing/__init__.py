"""26 circles in the unit square, as large in sum as can be."""
