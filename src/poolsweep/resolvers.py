"""What configs may say beside Hydra's own interpolations; imported for its effect, wherever configs are resolved."""

from __future__ import annotations

from omegaconf import OmegaConf

# ${if:condition,yes,no}: the frozen recipe follows from encoder.frozen alone.
OmegaConf.register_new_resolver("if", lambda condition, yes, no: yes if condition else no, replace=True)
# ${equal:${init},probe}: whether a key has a value.
OmegaConf.register_new_resolver("equal", lambda one, other: one == other, replace=True)
