"""What commands ask for, whether the home is here or behind a server."""
