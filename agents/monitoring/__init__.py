"""How the log monitor sees trouble, names its cause, and learns what helps. Pure."""
