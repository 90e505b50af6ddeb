"""The software a ticket's runs need, installed inside a sandbox."""
