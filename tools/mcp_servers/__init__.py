"""Sessions with outside servers of tools: over HTTP, or with a program in a sandbox."""
