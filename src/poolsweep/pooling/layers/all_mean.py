"""The mean of all layers."""

from __future__ import annotations

from poolsweep.pooling.layers.mean import Mean


class AllMean(Mean):
    """The mean of all transformer layers, and of the embeddings if wanted.

    ``1/n Σ h[l]`` over every layer: needs no choice of a layer, and keeps something of each.

    Args:
        include_embeddings: Count the embeddings (layer 0) as a layer.
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Shape:
        hidden: n of (B, T, H); returns (B, T, H).
    Reference:
        Sun et al. (2019), "How to Fine-Tune BERT for Text Classification?", arXiv:1905.05583, section 5.3 ("all 12
        layers + mean"). Differs: none without the embeddings.
    Example:
        >>> import torch
        >>> mix = AllMean(num_layers=2, hidden_size=1, include_embeddings=True)
        >>> mix((torch.zeros(1, 1, 1), torch.ones(1, 1, 1), torch.ones(1, 1, 1)))
        tensor([[[0.6667]]])
    """

    def __init__(
        self, *, num_layers: int, hidden_size: int, include_embeddings: bool = False, norm_per_layer: bool = False
    ) -> None:
        super().__init__(num_layers=num_layers, hidden_size=hidden_size, norm_per_layer=norm_per_layer)
        self.include_embeddings = include_embeddings
        if include_embeddings:
            self.add_embeddings()
