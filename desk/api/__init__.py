"""The REST API, one module a resource; the board, scripts and `labcrew --server` speak it."""

from fastapi import APIRouter

from desk.api import tickets

ROUTERS: tuple[APIRouter, ...] = (tickets.router,)
"""A resource is one file and one line here."""
