"""An add-on as a partner would write it: two kinds of trouble whose truth a test decides."""
