"""One file a mechanism: how a program lets its settings be given."""
