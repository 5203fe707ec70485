"""A signal that lets the running step end."""

from __future__ import annotations

import os
import signal

import pytest

from poolsweep.process.signals import StopSignals


def test_a_signal_counts_even_if_nobody_can_be_told(monkeypatch):
    """The sweep that read this process's messages was killed: it is to save and leave, not to fail."""
    reading, writing = os.pipe()
    os.close(reading)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, text: write(writing if file == 2 else file, text))
    with pytest.raises(BrokenPipeError):
        os.write(2, b"premise: the pipe is broken")
    with StopSignals() as signals:
        signals.deferring = True
        signal.raise_signal(signal.SIGTERM)
        assert signals.requested == signal.SIGTERM
    os.close(writing)
