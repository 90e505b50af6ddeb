"""What training libraries really print, recorded from tiny runs of them."""
