"""Programs that run inside a container, never on the host; standard library alone."""
