"""When a change is kept: noise, paired comparisons, the number of looks, and the verdict."""
