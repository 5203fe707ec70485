"""Checkpoint files: whole or not there, and the one before kept."""

from __future__ import annotations

import pytest

from poolsweep.runs.checkpoints import CheckpointStore


def anything(path) -> bool:
    return True


@pytest.fixture
def store(tmp_path):
    found = CheckpointStore(tmp_path / "checkpoints")
    for step in (2, 4, 6):
        with found.writing(step=step, validated=False) as temporary:
            temporary.write_bytes(b"%d" % step * 1000)
    return found


def steps(store) -> list[str]:
    return [path.name[:15] for path in store.newest_first()]


def test_the_two_newest_are_kept(store):
    assert steps(store) == ["step-00000006-0", "step-00000004-0"]
    assert store.oldest_position() == (4, 0)
    with store.writing(step=6, validated=True) as temporary:
        temporary.write_bytes(b"after the validation of step 6")
    assert steps(store) == ["step-00000006-1", "step-00000006-0"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "one bit"])
def test_a_damaged_one_gives_way_to_the_one_before(store, damage):
    newest, before = store.newest_first()
    content = bytearray(newest.read_bytes())
    content[10] ^= damage == "one bit"
    newest.write_bytes({"truncated": content[:500], "empty": b""}.get(damage, content))
    assert store.latest(fits=anything) == before
    assert store.newest_first() == [before]


def test_none_left_is_a_start_from_the_beginning(store):
    for path in store.newest_first():
        path.write_bytes(b"")
    assert store.latest(fits=anything) is None
    assert CheckpointStore(store.folder / "absent").latest(fits=anything) is None


def test_one_that_does_not_fit_gives_way(store):
    newest, before = store.newest_first()
    assert store.latest(fits=lambda path: path != newest) == before


def test_one_that_could_not_be_written_leaves_those_before(store):
    kept = store.newest_first()

    def full() -> None:
        with store.writing(step=8, validated=False) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        full()
    assert store.newest_first() == kept
    assert sorted(store.folder.iterdir()) == sorted(kept)


def test_clear_takes_what_was_half_written_too(store):
    for name in (".step.0123abcd-1-0123abcd", ".tmpAb12cD"):  # ours, and that of safetensors
        (store.folder / name).write_bytes(b"half")
    store.clear()
    assert list(store.folder.iterdir()) == []
