"""Four modules out of five each: 625 pipelines, one of them right, and a total alone to go by."""
