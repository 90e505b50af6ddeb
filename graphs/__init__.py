"""The LangGraph state machines: the only place where agents meet."""
