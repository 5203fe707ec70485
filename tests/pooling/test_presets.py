"""Presets and names: read without Hydra, the same as with it."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from transformers import BertConfig, BertModel

from poolsweep.conf_dir import conf_dir
from poolsweep.errors import UserError
from poolsweep.pooling import preset
from poolsweep.pooling.base import LayerMix, PoolingContext, TokenPooling
from poolsweep.pooling.make import find_class, make_tokens
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.presets import describe, half_names, load_half, load_preset, pooling_name, preset_names


def build(config: dict, *, num_layers: int = 12, hidden_size: int = 24) -> Pooling:
    halves = {kind: dict(options) for kind, options in config.items()}
    layers, tokens = (find_class(halves[kind].pop("_target_")) for kind in ("layers", "tokens"))
    mix = layers(**halves["layers"], num_layers=num_layers, hidden_size=hidden_size)
    return Pooling(layers=mix, tokens=tokens(**halves["tokens"], input_size=mix.output_size))


def test_none_is_lost() -> None:
    """Many tests have a parameter per pooling, and would pass on none; there may be more than there were."""
    assert len(half_names("layers")) >= 17
    assert len(half_names("tokens")) >= 24
    assert len(preset_names()) >= 33


@pytest.mark.parametrize("name", preset_names())
def test_hydra_composes_what_the_loader_reads(name: str) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        composed = compose(overrides=[f"+pooling={name}"])
    assert OmegaConf.to_container(composed.pooling, resolve=True) == load_preset(name)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_can_be_built_and_has_its_own_name(name: str) -> None:
    config = load_preset(name)
    pooling = build(config)
    assert pooling.output_size > 0
    assert pooling_name(config) == name


def test_presets_differ() -> None:
    for one, other in itertools.combinations(preset_names(), 2):
        assert load_preset(one) != load_preset(other), f"{one} and {other} are the same pooling"


@pytest.mark.parametrize("kind", ["layers", "tokens"])
def test_every_half_says_what_it_is_where_it_is_from_and_how_it_computes(kind: str) -> None:
    base = {"layers": LayerMix, "tokens": TokenPooling}[kind]
    for name in half_names(kind):
        options = load_half(kind, name)
        found = find_class(options.pop("_target_"))
        sizes = {"num_layers": 12, "hidden_size": 24} if kind == "layers" else {"input_size": 24}
        half = found(**options, **sizes)
        assert isinstance(half, base)
        assert found.source, f"{name} has no source"
        assert found.formula.format_map(vars(half)), f"{name} has no formula"
        for section in ("Shape:", "Reference:", "Differs:", "Example:"):
            assert section in (found.__doc__ or ""), f"{name} has no {section}"


def test_every_yaml_begins_with_a_sentence() -> None:
    paths = sorted((conf_dir() / "pooling").rglob("*.yaml"))
    assert len(paths) >= 74
    for path in paths:
        assert describe(path).endswith("."), path


def test_a_stem_is_shared_by_yaml_module_and_class() -> None:
    for kind in ("layers", "tokens"):
        for name in half_names(kind):
            _, module, class_name = load_half(kind, name)["_target_"].rsplit(".", 2)
            assert class_name == "".join(part.capitalize() for part in module.split("_"))
            assert module in half_names(kind)


@pytest.mark.parametrize(
    ("layers", "tokens", "name"),
    [
        (("last", {}), ("mean", {}), "masked_mean"),
        (("single", {}), ("mean", {}), "masked_mean"),
        (("concat", {"last": 3}), ("mean", {}), "concat[last=3]+mean"),
        (("concat", {}), ("max", {}), "last4_concat+max"),
        (("last", {}), ("mean", {"include_special": False}), "last+mean[include_special=false]"),
        (("single", {"index": -3}), ("cls", {}), "single[index=-3]+cls"),
        (("mean", {"first": 2, "last": None}), ("cls", {}), "mean[first=2,last=null]+cls"),
        (("last", {}), ("cnn", {"widths": [2, 3]}), "last+cnn[widths=[2, 3]]"),
    ],
)
def test_pooling_name(layers: tuple[str, dict], tokens: tuple[str, dict], name: str) -> None:
    config = {
        "layers": load_half("layers", layers[0]) | layers[1],
        "tokens": load_half("tokens", tokens[0]) | tokens[1],
    }
    assert pooling_name(config) == name


def test_a_class_without_a_yaml_has_its_own_name() -> None:
    tokens = {"_target_": "my_package.pooling.MyPooling", "width": 3}
    assert pooling_name({"layers": load_half("layers", "last"), "tokens": tokens}) == "last+MyPooling[width=3]"


def test_sun_2019_reads_the_first_layers() -> None:
    assert build(load_preset("cls_first4_max")).layers_needed == (1, 2, 3, 4)
    assert build(load_preset("cls_all_concat"), num_layers=3).output_size == 3 * 24
    assert build(load_preset("embeddings_mean")).layers_needed == (0,)


def test_presets_of_maxpoolbert() -> None:
    config, hidden = load_preset("max_cls"), torch.randn(3, 2, 5, 24)
    pooled = build(config)(tuple(hidden), torch.ones(2, 5, dtype=torch.bool))
    torch.testing.assert_close(pooled, hidden[:, :, 0].amax(dim=0))
    assert build(load_preset("max_seq_cls_attention")).layers_needed == (10, 11, 12)
    assert build(load_preset("cls_attention")).layers_needed == (12,)


def test_a_preset_of_ones_own_has_its_file_s_name_in_every_process(cli, tiny_run, outputs, tmp_path):
    own = tmp_path / "my conf" / "pooling"
    (own / "tokens").mkdir(parents=True)
    (own / "sharp.yaml").write_text("# Mine.\ndefaults:\n  - layers: last\n  - tokens: sharper\n  - _self_\n")
    (own / "tokens" / "sharper.yaml").write_text(
        "# Mine.\n_target_: poolsweep.pooling.tokens.attention.Attention\nattention_size: 3\ninclude_special: true\n"
    )
    (own / "odd.yaml").write_text("[1, 2]\n")
    frozen = ["encoder.frozen=true", "trainer.max_epochs=1", "--config-dir", str(own.parent)]
    assert cli("train", *tiny_run, "study=one", "pooling=sharp", *frozen).status == 0
    typed = [
        "-m",
        *tiny_run,
        "study=many",
        "pooling/tokens=sharper,mean",
        "hydra/launcher=local",
        "hydra.launcher.runs_at_once=1",
    ]
    assert cli("train", *typed, *frozen).status == 0
    names = {json.loads(path.read_text())["pooling"] for path in outputs.glob("*/*/result.json")}
    assert names == {"sharp", "masked_mean"}
    assert pooling_name(load_preset("cls")) == "cls"


def test_a_preset_is_made_by_its_name_for_an_encoder_s_config() -> None:
    config = BertConfig(num_hidden_layers=6, hidden_size=8, num_attention_heads=2, intermediate_size=8, vocab_size=10)
    model = BertModel(config).eval()
    ids, mask = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7]]), torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    states = model(ids, attention_mask=mask, output_hidden_states=True).hidden_states
    pooling = preset("last4_concat", config)
    pooled = pooling([states[layer] for layer in pooling.layers_needed], mask)
    by_hand = torch.cat([states[layer][0, :3].mean(0) for layer in (3, 4, 5, 6)])
    assert torch.allclose(pooled[0], by_hand, atol=1e-6)
    with pytest.raises(UserError, match="did you mean last4_concat"):
        preset("last4_conct", config)


@pytest.mark.parametrize("name", half_names("tokens"))
def test_token_poolings_read_a_tokenizer_s_mask(name: str) -> None:
    tokens = make_tokens(load_half("tokens", name), input_size=12)
    if tokens.context_needed or tokens.template:
        return
    hidden, mask = torch.randn(2, 5, 12), torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    tokens.eval()
    assert torch.equal(tokens(hidden, mask), tokens(hidden, mask.bool(), PoolingContext()))
