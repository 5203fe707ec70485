"""Attention within each text of a packed row: over buckets on a CPU, by kernels for ragged rows on CUDA."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from poolsweep.encoder.cpu_kernels.dropout import fast_dropout
from poolsweep.encoder.cpu_kernels.linear import is_made_by
from poolsweep.encoder.packing import Bucket, Packing

_PAIRS = 2**21  # of tokens in all heads, whose scores fit a CPU's cache
_LENGTH = 40  # from which on torch's kernel is faster on Intel's CPUs, however few texts there are


@dataclass(frozen=True)
class Attention:
    """Attention of a packed row's tokens to those of their text.

    Attributes:
        packing: Layout of the packed row.
        only_first: Whether the queries are those of each text's first token.
        scaling: Factor of the scores; None = one by the root of d.
        sliding_window: A token attends to those less than this far away; None = to all of its text.
        dropout: Probability of dropping an attention weight.
        causal: Whether a token attends to none behind it; not with ``only_first``.
    """

    packing: Packing
    only_first: bool
    scaling: float | None
    sliding_window: int | None
    dropout: float
    causal: bool = False

    def __call__(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Choose a way by device and precision.

        Shape:
            query (1, heads, Q, d), Q texts with ``only_first``, else N; key, value (1, heads, N, d); returns
            (1, Q, heads, d).
        """
        if self._has_kernel(query):
            return self._ragged(query, key, value)
        if query.device.type != "cpu":
            return self._padded_inside(query, key, value)
        return self._in_buckets(query, key, value)

    def _in_buckets(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        buckets = self.packing.buckets
        sizes = [bucket.tokens for bucket in buckets]
        queries = [bucket.shape[0] for bucket in buckets] if self.only_first else sizes
        parts = zip(_split(query, queries), _split(key, sizes), _split(value, sizes), buckets, strict=True)
        return torch.cat([self._bucketed(q, k, v, bucket) for q, k, v, bucket in parts])[None]

    def _bucketed(self, query: Tensor, key: Tensor, value: Tensor, bucket: Bucket) -> Tensor:
        """Attention over texts of similar length, padded among themselves; (tokens, heads, d) each, and returned."""
        k, v = (_padded(part, bucket).transpose(1, 2) for part in (key, value))
        q = (query[:, None] if self.only_first else _padded(query, bucket)).transpose(1, 2)
        # Of a causal row no token reaches the padding, which stands behind it.
        allowed = None if bucket.mask is None or self.causal else bucket.mask[:, None, None, :]
        out = self._attend(q, k, v, self._near(allowed, bucket.shape[1], query.device)).transpose(1, 2).flatten(0, 1)
        return out if bucket.mask is None or self.only_first else out.index_select(0, bucket.places)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None) -> Tensor:
        """torch's attention for many pairs; for few, and with dropout, what its kernel on a CPU does more slowly."""
        texts, heads, length, _ = query.shape
        is_long = length >= _LENGTH and is_made_by("GenuineIntel")
        if not self.dropout and (is_long or texts * heads * length * key.shape[2] > _PAIRS):
            return scaled_dot_product_attention(query, key, value, attn_mask=allowed, scale=self.scaling)
        scale = query.shape[-1] ** -0.5 if self.scaling is None else self.scaling
        scores = (query * scale) @ key.transpose(-1, -2)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        if allowed is not None:
            # Not -inf: a padded query beyond the window sees nothing, and would hand NaN to the values' gradients.
            # A score added to the least value is lost in it: as masked_fill, with nothing to do backward.
            scores += scores.new_zeros(allowed.shape).masked_fill_(~allowed, torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=-1).to(value.dtype)
        return (fast_dropout(weights, self.dropout) if self.dropout else weights) @ value

    def _padded_inside(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention alone over the padded batch: one kernel where a group of its own for each length would be many."""
        packing, heads = self.packing, query.shape[1]

        def unpacked(part: Tensor, *, firsts: bool) -> Tensor:
            flat = part.transpose(1, 2).flatten(2)
            padded = packing.unpack_firsts(flat) if firsts else packing.unpack(flat)
            return padded.unflatten(2, (heads, -1)).transpose(1, 2)

        q, k, v = (unpacked(part, firsts=i == 0 and self.only_first) for i, part in enumerate((query, key, value)))
        allowed = self._near(packing.mask[:, None, None, :], packing.mask.shape[1], query.device)
        if self.causal and allowed is not None:  # padding before a text sees at least itself: of nothing comes NaN
            allowed = allowed | torch.eye(packing.mask.shape[1], dtype=torch.bool, device=query.device)
        out = scaled_dot_product_attention(q, k, v, attn_mask=allowed, dropout_p=self.dropout, scale=self.scaling)
        out = out.transpose(1, 2)
        return out[packing.rows, 0][None] if self.only_first else packing.pack(out)

    def _near(self, allowed: Tensor | None, length: int, device: torch.device) -> Tensor | None:
        """``allowed``, restricted to the sliding window, and to what stands before a token of a causal row."""
        if not self.causal and (self.sliding_window is None or length <= self.sliding_window):
            return allowed
        place = torch.arange(length, device=device)
        back = place[: 1 if self.only_first else length, None] - place
        near = (back if self.causal else back.abs()) < (length if self.sliding_window is None else self.sliding_window)
        near = near & (back >= 0) if self.causal else near
        return near if allowed is None else allowed & near

    def _has_kernel(self, query: Tensor) -> bool:
        """Whether a kernel for ragged rows serves: half precision on CUDA; torch's own knows no dropout."""
        is_half = query.is_cuda and query.dtype in (torch.float16, torch.bfloat16)
        return is_half and (not self.dropout or importlib.util.find_spec("flash_attn") is not None)

    def _ragged(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
        # The one query of a text stands at its beginning: keys to its right alone are within the window.
        reach = -1 if self.sliding_window is None else self.sliding_window - 1
        window = (reach, 0 if self.causal else reach)
        starts, longest = self.packing.starts, self.packing.lengths[-1]
        begins, queries = (self.packing.counted, 1) if self.only_first else (starts, longest)
        if self.dropout:
            from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]

            out = flash_attn_varlen_func(
                q, k, v, begins, starts, queries, longest, dropout_p=self.dropout, softmax_scale=self.scaling,
                causal=self.causal, window_size=window,
            )  # fmt: skip
        else:
            from torch.nn.attention.varlen import varlen_attn

            out = varlen_attn(q, k, v, begins, starts, queries, longest, scale=self.scaling, window_size=window)
        return out[None]  # type: ignore[index]


def _split(part: Tensor, sizes: list[int]) -> tuple[Tensor, ...]:
    """(1, heads, N, d) → one (tokens, heads, d) for each bucket."""
    return part[0].transpose(0, 1).split(sizes)


def _padded(values: Tensor, bucket: Bucket) -> Tensor:
    """(tokens, heads, d) → (texts, longest, heads, d); a text's last token stands where it has none."""
    if bucket.mask is None:
        return values.unflatten(0, bucket.shape)
    return values.index_select(0, bucket.nearest).unflatten(0, bucket.shape)
