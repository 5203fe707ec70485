"""Linear heads on a frozen encoder's vectors, solved instead of trained."""

from poolsweep.probe.probe import Probe

__all__ = ["Probe"]
