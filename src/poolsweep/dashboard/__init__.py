"""The live report in a browser of this machine."""
