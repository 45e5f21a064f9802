"""A partner's add-on that trips over what a test tells it to."""
