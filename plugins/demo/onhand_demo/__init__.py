"""A real retailer's year, replayed against a running site."""
