"""A run's pooling as one readable Python file that needs torch alone."""

from __future__ import annotations

import torch
from torch import nn

from poolsweep import __version__
from poolsweep.config import Node
from poolsweep.data.template import TemplateTokens
from poolsweep.data.text_reader import prefix_tokens
from poolsweep.errors import UserError
from poolsweep.export.encoder import added_tokens, not_plain, second_text
from poolsweep.export.source import Sources
from poolsweep.head.linear import Linear
from poolsweep.pooling import Pooling
from poolsweep.postprocess.none import None_
from poolsweep.postprocess.standardize import Standardize
from poolsweep.postprocess.whiten import Whiten
from poolsweep.tasks import Readout
from poolsweep.training.load import LoadedRun

_FILE = '''"""{title}

Written by poolsweep {version}; needs torch alone.
"""

from __future__ import annotations

{gathered}

class TextPooling(nn.Module):
    """The states of an encoder to one vector for each text.

    Its parameters, if it has any, are those of ``pooling``.

    Shape:
        hidden_states: one (B, T, H) for each layer, 0 = embeddings, as ``output_hidden_states=True`` gives them;
        attention_mask (B, T); pooler_output (B, H); attentions: one (B, heads, T, T) for each layer; token_type_ids
        (B, T); returns (B, {size}).
    """

    layers_needed = {layers_needed}
    context_needed = {context_needed}
    output_size = {size}

    def __init__(self) -> None:
        super().__init__()
        layers = {layers}
        self.pooling = Pooling(layers=layers, tokens={tokens})

    def forward(self, hidden_states, attention_mask, pooler_output=None, attentions=None, token_type_ids=None):
        """Pool the layers that are needed."""
        mask = attention_mask.bool()
        # Where each real token stands in its text, counted from both ends; padding may be on either side.
        place = mask.long().cumsum(dim=1)
        from_end = mask.long().sum(dim=1, keepdim=True) - place + 1
        context = PoolingContext(
            pooler_output=pooler_output,
            attentions=attentions,
            special={special},
            template={template},
            cls={cls},
            prefix={prefix},
        )
        return self.pooling(tuple(hidden_states[layer] for layer in self.layers_needed), mask, context)
'''


def pooling_source(run: LoadedRun) -> str:
    """Python source of a module ``TextPooling`` that pools as the run does.

    Its ``state_dict`` has the names of the run's own: ``pooling.layers.…`` and ``pooling.tokens.…``. A text in a
    template must come in it: see ``poolsweep.data.template``.

    Args:
        run: A finished run.
    Raises:
        UserError: If its code is not to be had, or it reads what is not known outside of poolsweep.
    """
    if (objection := not_plain(run)) is not None:
        raise UserError(objection)
    pooling, config, encoder = run.classifier.pooling, run.config, run.loaded.encoder
    trusted = [name.partition(".")[0] for name in config.trusted]
    gathered = Sources(frozenset({"poolsweep", *trusted}))
    gathered.imports["from torch import nn"] = None
    kinds = (Pooling, type(pooling.layers), type(pooling.tokens))
    _, layers, tokens = (gathered.add(kind.__module__, kind.__name__) for kind in kinds)
    sizes = {"num_layers": encoder.num_layers, "hidden_size": encoder.hidden_size}
    return _FILE.format(
        title=f"{type(pooling.layers).__name__} of the layers, then {type(pooling.tokens).__name__} of the tokens.",
        version=__version__,
        gathered=gathered.text(),
        size=pooling.output_size,
        layers_needed=pooling.layers_needed,
        context_needed=tuple(sorted(pooling.context_needed)),
        layers=_call(layers, config.layers, sizes),
        tokens=_call(
            tokens, Node(pooling.tokens.self_contained(config.tokens)), {"input_size": pooling.layers.output_size}
        ),
        special=_special(run),
        template=_template(run),
        cls="mask & (from_end == 1)" if run.loaded.cls_place == "last" else "None",
        prefix=_prefix(run),
    )


def folded_head(run: LoadedRun) -> nn.Linear:
    """Post-processing and head of a run as one linear layer over pooled vectors, composed in float64.

    What the task does to the logits next is folded in too where it is linear: scores come in the units of the data.

    Args:
        run: A finished run.
    Raises:
        UserError: If one of them is not linear.
    """
    head, post = run.classifier.head, run.classifier.postprocess
    if type(head) is not Linear:
        raise UserError(f"head {type(head).__name__} is not poolsweep's linear one, which alone can be exported")
    weight, bias = head.classifier.weight.detach().double(), head.classifier.bias.detach().double()
    if isinstance(post, Standardize):
        weight = weight * post.scale.double()
        bias = bias - weight @ post.mean.double()
    elif isinstance(post, Whiten):
        weight = weight @ post.kernel.double().T
        bias = bias - weight @ post.mean.double()
    elif type(post) is not None_:
        raise UserError(f"postprocess {type(post).__name__} is none that can be folded into a linear head")
    readout = readout_of(run)
    weight, bias = weight * readout.factor, bias * readout.factor + readout.shift
    found = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        found.weight.copy_(weight)
        found.bias.copy_(bias)
    return found.requires_grad_(requires_grad=False)


def readout_of(run: LoadedRun) -> Readout:
    """How what the run predicts follows from its logits.

    Args:
        run: A finished run.
    Raises:
        UserError: If it has no head.
    """
    found = run.config.task.readout(run.contract)
    if found is None:
        raise UserError(f"task={run.config.task.name} has no head to export: --vectors gives its encoder and pooling")
    return found


def _call(kind: str, node: Node, sizes: dict[str, int]) -> str:
    options = {key: value for key, value in node.plain().items() if not key.startswith("_")} | sizes
    if nested := [key for key, value in options.items() if isinstance(value, dict)]:
        raise UserError(f"pooling option {nested[0]} is made of parts of its own, which cannot be exported")
    return f"{kind}({', '.join(f'{key}={value!r}' for key, value in options.items())})"


def _special(run: LoadedRun) -> str:
    """An expression that is True at tokens that the tokenizer added: so many at the start, so many at the end."""
    if "special" not in run.classifier.pooling.context_needed:
        return "None"
    first, last = added_tokens(run)
    ends = f"mask & ((place <= {first}) | (from_end <= {last}))"
    if second_text(run) is None:
        return ends
    if "token_type_ids" not in run.loaded.tokenizer.model_input_names:
        raise UserError(
            "include_special=false cannot be exported for pairs of texts here: the tokenizer does not say where the "
            "first text ends"
        )
    return f"{ends} | (mask & (token_type_ids == 0) & (token_type_ids.roll(-1, dims=1) == 1))"


def _template(run: LoadedRun) -> str:
    """An expression that is True at the template's [MASK], counted from the side of the text that it stands on."""
    pooling = run.classifier.pooling
    if pooling.template is None or "template" not in pooling.context_needed:
        return "None"
    around = TemplateTokens.of(run.loaded.tokenizer, pooling.template)
    side, place = around.mask_place
    return f"mask & ({side} == {place})"


def unpooled_prefix(run: LoadedRun) -> range | None:
    """Places of the prefix's tokens where they are read and not pooled; None where there are none.

    Args:
        run: A finished run.
    """
    if run.reading.pool_prefix or not run.reading.prefix:
        return None
    return prefix_tokens(run.loaded.tokenizer, run.reading)


def _prefix(run: LoadedRun) -> str:
    """An expression that is True at the tokens of a prefix that is not pooled."""
    places = unpooled_prefix(run)
    return "None" if places is None else f"mask & (place > {places.start}) & (place <= {places.stop})"
