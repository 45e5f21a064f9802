"""An add-on with bins that hold a number: enough to ask for a change, and to see whether it was made, and how often."""
