"""Faults of a real library, as tickets: rank-bm25, which many search engines use."""
