"""Logs of runs from several machines."""
