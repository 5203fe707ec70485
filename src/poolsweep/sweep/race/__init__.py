"""The race (``sweep=race``): rounds of seeds; after each, the hopeless are dropped, and what is settled rests."""
