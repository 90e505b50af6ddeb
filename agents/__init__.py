"""One module a role: its judgements, its prompts and the tools it uses."""
