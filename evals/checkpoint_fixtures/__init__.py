"""Small checkpoints of real libraries, for the tests of what looks at them."""
