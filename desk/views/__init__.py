"""What is shown of the ledger, as typed values: the same for the board, the API and the chat."""
