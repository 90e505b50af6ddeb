"""Results kept in memory."""
