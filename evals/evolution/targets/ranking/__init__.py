"""labcrew's own ranking of sentences, judged by questions of a lab and what answers them."""
