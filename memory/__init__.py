"""The crew's shared memory: embeddings and a Chroma index that the ledger can rebuild."""
