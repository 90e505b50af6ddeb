"""Repositories that a ticket must write itself for."""
