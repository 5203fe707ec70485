"""Many processes: workers on this machine, jobs of a cluster."""
