"""The tools of an agent that writes code, each acting on the ticket's change in sandboxes."""
