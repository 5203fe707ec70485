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


def parallel_encode(encoder: Encoder, items: Sequence[T], encode: Callable[[Encoder, T], R]) -> Generator[tuple[T, R]]:
    """Encode items side by side, and give the results in the items' order.

    With all threads on one batch, all but one wait while Python prepares the next operation, and for each other after
    every operation. With one batch per worker there is neither. Each worker has an encoder of its own that shares the
    weights, since modules keep notes while they run. Every batch is computed with the same number of threads.

    Args:
        encoder: A frozen encoder; on another device than the CPU there is one worker.
        items: Batches, or what stands for them.
        encode: Function of an encoder and an item, called by several threads at once.
    """
    threads = torch.get_num_threads()
    workers = min(worker_count(threads), len(items))
    encoders = copies_of(encoder, workers) if workers > 1 else []
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

    torch.set_num_threads(threads // workers)
    pool = ThreadPoolExecutor(workers, "encode", initializer=torch.set_num_threads, initargs=(threads // workers,))
    try:
        waiting: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(run, item)))
            if len(waiting) > workers:  # no more: what has been computed waits in memory
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def worker_count(threads: int) -> int:
    """Workers for a number of threads: one each, up to 16; above, the number that leaves the fewest threads idle.

    Example:
        >>> [worker_count(threads) for threads in (1, 2, 12, 31, 64)]
        [1, 2, 12, 15, 16]
    """
    if threads <= _MOST:
        return threads
    return max(range(_MOST // 2, _MOST + 1), key=lambda workers: (threads // workers * workers, workers))


def copies_of(encoder: Encoder, count: int) -> list[Encoder]:
    """Copies that share an encoder's parameters and buffers; none where it cannot be run so.

    Args:
        encoder: An encoder; there is no copy of one with compiled code, or on another device than the CPU.
        count: Number of copies.
    """
    tensors = [*encoder.parameters(), *encoder.buffers()]
    on_cpu = all(tensor.device.type == "cpu" for tensor in tensors)
    if not on_cpu or any(module._compiled_call_impl is not None for module in encoder.modules()):
        return []
    try:
        return [copy.deepcopy(encoder, {id(tensor): tensor for tensor in tensors}) for _ in range(count)]
    except Exception:  # a model's own code may hold what cannot be copied
        return []
