"""The race (``sweep=race``): rounds of seeds; after each, poolings that cannot be the best are dropped."""
