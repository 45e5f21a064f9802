"""Properties: what must hold whatever is asked, in whatever order. Found by Hypothesis, checked by the books' own laws."""
