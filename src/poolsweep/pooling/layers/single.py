"""One layer alone."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import LayerMix


class Single(LayerMix):
    """The hidden states of one layer.

    ``h[index]`` in transformers' numbering of ``hidden_states``: 0 is the embeddings, ``num_layers`` or -1 the last
    layer. Layers below the last carry more of word order and syntax (Devlin et al. 2019, Table 7, feature-based NER).

    Args:
        index: Which hidden state; negative counts from the last.
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        norm_per_layer: Bring each token's vector to mean 0 and variance 1 (see ``LayerMix``).
    Shape:
        hidden: one (B, T, H); returns (B, T, H).
    Raises:
        ValueError: If the encoder has no such layer.
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805, section 5.3. Differs: none.
    Example:
        >>> Single(index=-2, num_layers=12, hidden_size=768).layers_needed
        (11,)
    """

    formula: ClassVar[str] = "h[{index}]"
    source: ClassVar[str] = "Devlin 2019, arXiv:1810.04805, Table 7"
    linear: bool = True
    concatenates: bool = True

    def __init__(self, *, index: int, num_layers: int, hidden_size: int, norm_per_layer: bool = False) -> None:
        if not -num_layers - 1 <= index <= num_layers:
            raise ValueError(
                f"pooling.layers.index must lie between {-num_layers - 1} and {num_layers} for an encoder of "
                f"{num_layers} layers, got {index}"
            )
        layer = index % (num_layers + 1)
        super().__init__(layers_needed=(layer,), output_size=hidden_size, norm_per_layer=norm_per_layer)
        self.passes_last_layer = layer == num_layers and not norm_per_layer
        self.index = index

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Return the one layer."""
        return next(self.states(hidden))
