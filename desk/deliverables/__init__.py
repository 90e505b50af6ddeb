"""A ticket's result as a first draft that can be sent on, in five formats."""
