"""The board: server-rendered pages, one module a subject; what they change goes through the API."""

from fastapi import APIRouter

from desk.board import tickets

ROUTERS: tuple[APIRouter, ...] = (tickets.router,)
"""A subject is one file, its templates, and one line here."""
