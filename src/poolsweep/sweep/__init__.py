"""Many runs: the grid, its progress, and what to do with what failed."""
