"""The ticket machine's nodes, in the order of a ticket's way."""
