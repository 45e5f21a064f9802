"""Sample: a small add-on that keeps the contract, to be broken by the tests of the contract."""
