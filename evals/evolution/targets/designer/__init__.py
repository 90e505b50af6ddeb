"""labcrew's own choice of settings for trials, judged on landscapes with noise."""
