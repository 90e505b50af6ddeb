"""Writing code: prompts, parsing of replies, bounded conversations, stuck loops, the last check."""
