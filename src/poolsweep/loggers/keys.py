"""Whether there is a W&B key, without importing W&B."""

from __future__ import annotations

import netrc
import os
from urllib.parse import urlparse


def host() -> str:
    """The W&B server's host: ``WANDB_BASE_URL``, or W&B's own."""
    return urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc


def has_key() -> bool:
    """Whether a W&B key is at hand: in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host()) is not None
    except (OSError, netrc.NetrcParseError):
        return False
