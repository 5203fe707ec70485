"""Small configs of the encoder families that tests go through."""

from __future__ import annotations

from transformers import (
    AlbertConfig,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    PreTrainedConfig,
    RobertaConfig,
)

SIZES = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
CONFIGS: dict[str, PreTrainedConfig] = {
    "bert": BertConfig(**SIZES, max_position_embeddings=32),
    "distilbert": DistilBertConfig(
        vocab_size=40, dim=16, n_layers=3, n_heads=2, hidden_dim=32, max_position_embeddings=32
    ),
    "roberta": RobertaConfig(**SIZES, max_position_embeddings=34, pad_token_id=1),
    "albert": AlbertConfig(**SIZES, embedding_size=8, max_position_embeddings=32),
    "electra": ElectraConfig(**SIZES, embedding_size=8, max_position_embeddings=32),
    "modernbert": ModernBertConfig(
        **SIZES, max_position_embeddings=32, pad_token_id=0, cls_token_id=2, sep_token_id=3, bos_token_id=2,
        eos_token_id=3,
    ),
}  # fmt: skip
