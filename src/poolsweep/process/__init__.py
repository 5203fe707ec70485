"""This process and its interpreter: cores, threads, signals, warnings, who owns what."""
