"""What may be sold is what the book has: an add-on that answers `promisable` where none of the suite's does."""
