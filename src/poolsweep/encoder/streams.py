"""An encoder that computes several batches at once on a CPU, each with a few of its threads."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

import torch

from poolsweep.encoder.encoder import Encoder

T = TypeVar("T")
R = TypeVar("R")

_MOST = 16  # above, Python's own work on the batches of a small encoder takes as long as a batch


def encode_in_streams(
    encoder: Encoder, items: Sequence[T], encode: Callable[[Encoder, T], R]
) -> Generator[tuple[T, R]]:
    """Encode items side by side, and give what comes of each in their order.

    With all threads on one batch, all but one wait while Python prepares the next operation, and for each other after
    every operation. A batch a thread has neither. Each stream has an encoder of its own that shares the weights, since
    modules keep notes while they run. Each batch is computed with the same number of threads, whoever takes it.

    Args:
        encoder: Frozen, on the CPU if it is to have several streams.
        items: Batches, or what stands for them.
        encode: Called with an encoder and an item, by several threads at once.
    """
    threads = torch.get_num_threads()
    streams = min(stream_count(threads), len(items))
    encoders = copies_of(encoder, streams) if streams > 1 else []
    if not encoders:
        yield from ((item, encode(encoder, item)) for item in items)
        return
    free: SimpleQueue[Encoder] = SimpleQueue()
    for each in encoders:
        free.put(each)

    def run(item: T) -> R:
        mine = free.get()
        try:
            return encode(mine, item)
        finally:
            free.put(mine)

    torch.set_num_threads(threads // streams)
    pool = ThreadPoolExecutor(streams, "encode", initializer=torch.set_num_threads, initargs=(threads // streams,))
    try:
        waiting: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(run, item)))
            if len(waiting) > streams:  # no more: what has been computed waits in memory
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def stream_count(threads: int) -> int:
    """Streams for so many threads: one each, up to 16; above, those that leave the fewest threads out.

    Example:
        >>> [stream_count(threads) for threads in (1, 2, 12, 31, 64)]
        [1, 2, 12, 15, 16]
    """
    if threads <= _MOST:
        return threads
    return max(range(_MOST // 2, _MOST + 1), key=lambda streams: (threads // streams * streams, streams))


def copies_of(encoder: Encoder, count: int) -> list[Encoder]:
    """Copies that share an encoder's parameters and buffers; none where it cannot be run so.

    Args:
        encoder: Compiled code and other devices have one stream. It stays free for others.
        count: How many.
    """
    tensors = [*encoder.parameters(), *encoder.buffers()]
    on_cpu = all(tensor.device.type == "cpu" for tensor in tensors)
    if not on_cpu or any(module._compiled_call_impl is not None for module in encoder.modules()):
        return []
    try:
        return [copy.deepcopy(encoder, {id(tensor): tensor for tensor in tensors}) for _ in range(count)]
    except Exception:  # a model's own code may hold what cannot be copied
        return []
