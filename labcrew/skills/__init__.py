"""A lab's skills: read from its files, chosen for a question, and their rules checked."""
