"""What a GPU does, in one command of under 8 minutes: python experiments/speed/bench.py gpu

    python experiments/speed/gpu.py > gpu.md      # the same; rows of Markdown tables under the device's name

Weights are random, since speed does not depend on them, so nothing is downloaded. Every comparison is of interleaved
repeats; a part that would begin after 6 minutes is left out, and says so.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from gpu_models import KINDS, Setting, batches_of, configs, flops_of, frozen_pass, ours, peer
from gpu_timing import interleaved, matrix_rate

from poolsweep.process.warning_filters import quiet_third_parties

NO_PART_BEGINS_AFTER, ALL_SECONDS = 360, 470


def gpu(setting: Setting | None = None) -> None:
    """Print tables for the device, or a line where there is none.

    Args:
        setting: Device and sizes; one CUDA device, BERT-base and ModernBERT-base without it.
    """
    if setting is None and not torch.cuda.is_available():
        print("gpu: torch sees no CUDA device here, so this part was left out")
        return
    setting = setting or Setting("cuda", configs(), BATCHES, steps=20, repeats=5)
    device = setting.device
    print(f"### {torch.cuda.get_device_name() if device == 'cuda' else device}, torch {torch.__version__}\n")
    rates = {name: matrix_rate(device, config) for name, config in setting.configs.items()}
    for name, rate in rates.items():
        print(f"bfloat16 products of {name}'s feed-forward: {rate / 1e12:.1f} TFLOP/s")
    parts: list[Callable[[], None]] = [
        lambda: _against_transformers(setting, rates),
        lambda: _attention_dropout(setting),
        lambda: _small_batches(setting),
        lambda: _frozen(setting, rates),
    ]
    if device == "cuda":
        parts += [_against_trainer, _probe, lambda: _tests(started + ALL_SECONDS - time.monotonic())]
    started = time.monotonic()
    for part in parts:
        if time.monotonic() - started > NO_PART_BEGINS_AFTER:
            print("\nthe rest was left out: time is up")
            break
        part()
    print(f"\nall of it took {time.monotonic() - started:.0f} s", flush=True)


BATCHES = {"like SST-2's": 64, "all of 128": 64, "all of 512": 32}


def _against_transformers(setting: Setting, rates: dict[str, float]) -> None:
    print("\n| bfloat16 | lengths | against padded transformers | examples/s | share of the matrix rate | peak, MiB |")
    print("|---|---|---:|---:|---:|---:|")
    for name, config in setting.configs.items():
        for training in (True, False):
            tools = {"poolsweep": ours(config, setting.device, training=training),
                     "transformers": peer(config, setting.device, training=training)}  # fmt: skip
            for kind, size in setting.batches.items():
                batches = batches_of(kind, config, size=size, setting=setting)
                found = interleaved(tools, batches, setting)
                flops = (3 if training else 1) * flops_of(config, batches)
                what = f"{name}, {'training' if training else 'inference'}"
                print(f"| {what} | {kind} | {found.ratio()} | {found.speeds()} | "
                      f"{found.shares(flops, rates[name])} | {found.peaks()} |", flush=True)  # fmt: skip


def _attention_dropout(setting: Setting) -> None:
    """Without flash-attn attention with dropout goes over the padded batch; without dropout it has a ragged kernel."""
    print("\n| training, SST-2's lengths | against no dropout of attention weights |")
    print("|---|---:|")
    kind, (size, *_) = KINDS[0], setting.batches.values()
    for name, config in setting.configs.items():
        tools = {part: ours(config, setting.device, training=True, attention_dropout=rate)
                 for part, rate in {"with": 0.1, "without": 0.0}.items()}  # fmt: skip
        found = interleaved(tools, batches_of(kind, config, size=size, setting=setting), setting)
        print(f"| {name}, dropout 0.1 takes | {found.ratio(inverse=True)} |", flush=True)


def _small_batches(setting: Setting) -> None:
    """What compiling and CUDA graphs save where Python and launches take most of a step."""
    print("\n| batches of 8, SST-2's lengths | plain by compiled | by transformers with CUDA graphs | examples/s |")
    print("|---|---:|---:|---:|")
    name, config = next(iter(setting.configs.items()))
    batches = batches_of(KINDS[0], config, size=8, setting=setting, width=64)
    for training in (True, False):
        tools = {"plain": ours(config, setting.device, training=training)}
        tools["compiled"] = ours(config, setting.device, training=training, compiled=setting.device == "cuda")
        if not training:
            tools["graphs"] = peer(config, setting.device, training=False, graphs=setting.device == "cuda")
        found = interleaved(tools, batches, setting)
        ratios = [found.ratio("plain", tool, inverse=True) for tool in list(tools)[1:]]
        what = f"{name}, {'training' if training else 'inference'}"
        print(f"| {what} | {' | '.join([*ratios, '', ''][:2])} | {found.speeds()} |", flush=True)


def _frozen(setting: Setting, rates: dict[str, float]) -> None:
    print("\n| pass of a frozen encoder | lengths | texts/s | share of the matrix rate |")
    print("|---|---|---:|---:|")
    for name, config in setting.configs.items():
        for kind in [each for each in KINDS if each in setting.batches]:
            texts, seconds, flops = frozen_pass(kind, config, setting)
            share = flops / seconds / rates[name]
            print(f"| {name} | {kind} | {texts / seconds:.0f} | {share:.2f} |", flush=True)


def _against_trainer(accelerator: str = "gpu", *, rows: int = 6400) -> None:
    """Whole programs: Lightning, callbacks and data loading against transformers' Trainer, over MiniLM and icd10."""
    from fine_tuning import fit_seconds
    from timing import compare, seconds, useful_flops
    from work import Encoded, trainer, work

    def wait() -> None:
        if accelerator == "gpu":
            torch.cuda.synchronize()

    with tempfile.TemporaryDirectory() as root:
        typed = ["pooling=pooler", "trainer.precision=bf16-mixed", "trainer.max_epochs=1"]
        made = work(None, *typed, f"trainer.accelerator={accelerator}", rows=rows, root=Path(root))
        train = Encoded(made.prepared, made.prepared.splits.train)
        found = compare(
            {
                "poolsweep": lambda: fit_seconds(made) + seconds(wait),
                "Trainer": lambda: seconds(trainer(made, train, bf16=True, by_length=False).train),
            },
            examples=len(train), flops=3 * useful_flops(train.lengths),
        )  # fmt: skip
        device = "cuda" if accelerator == "gpu" else accelerator
        print()
        found.say("fine-tuning MiniLM, whole programs", rate=matrix_rate(device, next(iter(configs().values()))))


def _probe() -> None:
    """A sweep of probes, its encoder and its solver on the GPU and on the CPU."""
    with tempfile.TemporaryDirectory() as root:
        for device in ("gpu", "cpu"):
            typed = ["data=icd10", "encoder.frozen=true", "trainer=probe", "pooling=cls,masked_mean", "seed=0,1"]
            started = time.monotonic()
            command = [sys.executable, "-m", "poolsweep", "train", "-m", *typed, f"trainer.accelerator={device}"]
            done = subprocess.run(
                [*command, f"output_root={root}/{device}"], capture_output=True, text=True, timeout=120
            )
            said = "" if done.returncode == 0 else f", which failed: {done.stderr.strip().splitlines()[-1:]}"
            print(f"\nprobe, 4 runs on icd10, {device}: {time.monotonic() - started:.1f} s{said}", flush=True)


def _tests(seconds: float) -> None:
    """All tests that need a GPU, in what is left of the time."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider"]
    root = Path(__file__).parents[2]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=seconds)
        said = "\n".join(line for line in done.stdout.splitlines() if line.startswith("FAILED"))
        print(f"\npytest -m gpu: {done.stdout.strip().splitlines()[-1]}\n{said}", flush=True)
    except subprocess.TimeoutExpired:
        print(f"\npytest -m gpu: not done after {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    quiet_third_parties()
    gpu()
