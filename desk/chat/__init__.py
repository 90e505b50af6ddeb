"""The coordinator in conversation: it answers from records, and acts after a person's yes."""
