"""Where Hydra looks for plugins; the work is done in ``poolsweep.launch.cluster``."""
