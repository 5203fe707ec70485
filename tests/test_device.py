"""What a config asks of the device."""

from __future__ import annotations

import pytest
import torch

from poolsweep.device import set_matmul_precision


@pytest.mark.parametrize(("precision", "in_convolutions"), [("high", True), ("medium", True), ("highest", False)])
def test_the_precision_of_products_is_explicit(precision: str, in_convolutions: bool):
    set_matmul_precision(precision)  # highest comes last, which is how every run starts
    assert torch.get_float32_matmul_precision() == precision
    assert torch.backends.cudnn.allow_tf32 is in_convolutions
    assert torch.backends.cuda.matmul.allow_tf32 is in_convolutions, "torch's compiler can still read it"
