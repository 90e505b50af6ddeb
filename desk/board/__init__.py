"""The board: server-rendered pages, one module a subject; what they change goes through the API."""

from fastapi import APIRouter

from desk.board import (
    assets,
    assign,
    chat,
    crew,
    evolutions,
    evolve,
    inbox,
    memory,
    merge_requests,
    report,
    settings,
    ticket,
    tickets,
)

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    tickets.router,
    ticket.router,
    inbox.router,
    assign.router,
    chat.router,
    merge_requests.router,
    evolutions.router,
    evolve.router,
    crew.router,
    memory.router,
    report.router,
    settings.router,
)
"""A subject is one file, its templates, and one line here."""
