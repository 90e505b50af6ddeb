"""Typed actions that agents take; the policy check stands in `toolbox.py`."""
