"""The race (``sweep=race``): rounds of seeds, and after each a look that drops what cannot be the best."""
