"""Files: written whole, hashed, and what a file system refuses said in one line."""
