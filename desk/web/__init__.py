"""The application that serves the board and the REST API: who may enter, and what is kept apart."""
