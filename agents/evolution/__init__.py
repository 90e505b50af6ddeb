"""Self-evolution, the pure part: what is proposed, what is kept, what is learnt."""
