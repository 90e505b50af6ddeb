"""A fault of a real library, as a ticket: rank-bm25's BM25L, which many search engines use."""
