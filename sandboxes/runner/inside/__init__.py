"""What runs inside a tool container: standard library only, Python 3.9 or newer."""
