"""Small configs of the encoder families that tests go through: those that pack, and more."""

from __future__ import annotations

from transformers import (
    AlbertConfig,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    ModernBertConfig,
    MPNetConfig,
    OPTConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
    T5Config,
    XLNetConfig,
)

from poolsweep.encoder.tiny import tiny

TOKENS = len(tiny().tokenizer)
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
MORE: dict[str, PreTrainedConfig] = {
    "mpnet": MPNetConfig(**SIZES, max_position_embeddings=34),
    "deberta-v2": DebertaV2Config(**SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"], type_vocab_size=0),
    "xlnet": XLNetConfig(vocab_size=40, d_model=16, n_layer=3, n_head=2, d_inner=32),
    "gpt2": GPT2Config(vocab_size=40, n_embd=16, n_layer=3, n_head=2, n_positions=32),
    "llama": LlamaConfig(**SIZES, max_position_embeddings=32),
}
_DECODER = {**SIZES, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 32}
DECODERS: dict[str, PreTrainedConfig] = {
    "gpt2": MORE["gpt2"],
    "gpt_neox": GPTNeoXConfig(**SIZES, max_position_embeddings=32),
    "opt": OPTConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, ffn_dim=32, word_embed_proj_dim=16,
        max_position_embeddings=32,
    ),
    "llama": LlamaConfig(**_DECODER),
    "qwen2": Qwen2Config(**_DECODER),
    "qwen3": Qwen3Config(**_DECODER, head_dim=4),
    "mistral": MistralConfig(**_DECODER, sliding_window=5),
    "gemma3": Gemma3TextConfig(**_DECODER, head_dim=4, sliding_window=5),
}  # fmt: skip
T5 = T5Config(vocab_size=TOKENS, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
