"""The frozen-feature store: one pass of a frozen encoder, shared by all runs that read it."""

from poolsweep.features.requests import FeatureRequest, request_for
from poolsweep.features.rows import FeatureRows, VectorRows
from poolsweep.features.store import FeatureStore, weights_hash

__all__ = ["FeatureRequest", "FeatureRows", "FeatureStore", "VectorRows", "request_for", "weights_hash"]
