"""A transformers encoder that returns only what the pooling reads."""

from poolsweep.encoder.encoder import Encoder, EncoderOutput
from poolsweep.encoder.loading import LoadedEncoder

__all__ = ["Encoder", "EncoderOutput", "LoadedEncoder"]
