"""CSV drop: what a retailer's system writes into files becomes events of a channel, each row answered on its own."""
