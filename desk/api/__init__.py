"""The REST API, one module a resource; the board, scripts and `labcrew --server` speak it."""

from fastapi import APIRouter

from desk.api import chat, events, evolutions, gates, lab, merge_requests, research, tickets, trials

ROUTERS: tuple[APIRouter, ...] = (
    tickets.router,
    trials.router,
    evolutions.router,
    research.router,
    gates.router,
    merge_requests.router,
    lab.router,
    chat.router,
    events.router,
)
"""A resource is one file and one line here."""
