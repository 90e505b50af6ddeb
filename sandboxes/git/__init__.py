"""The git boundary: what a sandbox committed is judged and landed; git runs on this side alone."""
