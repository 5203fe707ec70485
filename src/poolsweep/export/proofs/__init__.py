"""Scripts that load an exported model with its own library, in a process that cannot import poolsweep."""
