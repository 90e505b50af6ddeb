"""The board: server-rendered pages, one module a subject; what they change goes through the API."""

from fastapi import APIRouter

from desk.board import assets, assign, inbox, ticket, tickets

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    tickets.router,
    ticket.router,
    inbox.router,
    assign.router,
)
"""A subject is one file, its templates, and one line here."""
