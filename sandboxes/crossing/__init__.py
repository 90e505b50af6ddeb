"""Files on their way into and out of containers."""
