"""The REST API, one module a resource; the board, scripts and `labcrew --server` speak it."""

from fastapi import APIRouter

from desk.api import events, tickets

ROUTERS: tuple[APIRouter, ...] = (tickets.router, events.router)
"""A resource is one file and one line here."""
