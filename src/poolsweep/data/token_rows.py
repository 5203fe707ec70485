"""Batches of token ids for an encoder that is run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from poolsweep.data.batch import Batch
from poolsweep.data.ragged import last_of_each, length_mask, padded, positions
from poolsweep.data.tokenise import TokenisedTexts
from poolsweep.pooling.windows import Windows

if TYPE_CHECKING:
    from poolsweep.encoder import LoadedEncoder


def rows_for(
    loaded: LoadedEncoder,
    tokenised: TokenisedTexts,
    *,
    context: Collection[str] = (),
    targets: np.ndarray | None = None,
) -> TokenRows:
    """Rows as an encoder reads them.

    Args:
        loaded: Encoder and tokenizer.
        tokenised: Token ids of its tokenizer.
        context: Names of the ``PoolingContext`` fields that are asked for.
        targets: Target of each text, (N, …); None = all are 0.
    """
    return TokenRows(
        tokenised,
        targets=np.zeros(len(tokenised.row_ids), np.int64) if targets is None else targets,
        pad_token_id=loaded.pad_token_id,
        with_special="special" in context,
        cls_is_last=loaded.cls_place == "last",
        with_template="template" in context,
    )


class TokenRows(Dataset[Batch]):
    """The rows of a tokenised split, fetched a batch at a time and padded on the right to the longest of it.

    Args:
        tokenised: Token ids.
        targets: Target of each text, (N, …).
        pad_token_id: What padding is filled with; the mask hides it.
        with_special: The pooling asks which tokens the tokenizer added.
        cls_is_last: The tokenizer puts [CLS] behind the text.
        with_template: The pooling asks for a template's own place: its [MASK], or the last copy of the text.
    """

    def __init__(
        self,
        tokenised: TokenisedTexts,
        *,
        targets: np.ndarray,
        pad_token_id: int,
        with_special: bool = False,
        cls_is_last: bool = False,
        with_template: bool = False,
    ) -> None:
        self.tokenised = tokenised
        self.targets = torch.from_numpy(targets)
        self.row_ids = torch.from_numpy(np.asarray(tokenised.row_ids, dtype=np.int64))
        self.pad_token_id = pad_token_id
        self.with_special = with_special
        self.cls_is_last = cls_is_last
        self.with_template = with_template

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, in all of its windows; (N,)."""
        return self.tokenised.lengths

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The rows at ``indices`` as one batch; the data loader calls it once per batch."""
        rows = np.asarray(indices, dtype=np.int64)
        first = self.tokenised.first
        inputs, counts = (rows, None) if first is None else positions(first, rows)
        flat, lengths = positions(self.tokenised.starts, inputs)
        mask = length_mask(lengths)
        types, template = self.tokenised.types, self.tokenised.template
        chosen = torch.as_tensor(indices)
        return Batch(
            targets=self.targets[chosen],
            row_ids=self.row_ids[chosen],
            mask=mask,
            input_ids=padded(self.tokenised.ids[flat], mask, fill=self.pad_token_id, dtype=torch.int64),
            token_type_ids=None if types is None else padded(types[flat], mask, dtype=torch.int64),
            special=padded(self.tokenised.special[flat], mask) if self.with_special else None,
            cls=last_of_each(mask) if self.cls_is_last else None,
            prefix=None if self.tokenised.prefix is None else padded(self.tokenised.prefix[flat], mask),
            windows=None if counts is None else self._windows(counts, inputs, flat, mask),
            template=padded(template[flat], mask) if self.with_template and template is not None else None,
        )

    def _windows(self, counts: np.ndarray, inputs: np.ndarray, flat: np.ndarray, mask: Tensor) -> Windows:
        texts = self.tokenised
        assert texts.repeated is not None
        added = torch.from_numpy(texts.added[inputs])
        return Windows.of(torch.from_numpy(counts), added, padded(texts.repeated[flat], mask))
