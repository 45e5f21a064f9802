"""One inbox of causes: what is wrong, how old, whose."""
