"""The resident runner: short tool calls in a started container, a fresh process for each."""
