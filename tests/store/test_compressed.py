"""Bodies are compressed by the page, and what has no room is not called damaged."""

from __future__ import annotations

import pytest
import zstandard

from hub.store import document
from hub.store.document import compressed


@pytest.mark.parametrize(
    "bodies", [[], [b"one"], [b"%d" % n for n in range(50)], [b"", *(b"x" * n for n in range(50))]]
)
def test_each_body_is_compressed_for_itself(bodies: list[bytes]) -> None:
    assert [zstandard.decompress(one) for one in compressed(bodies)] == bodies


def test_no_room_for_threads_is_memory_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cramped:
        def __init__(self, level: int) -> None:
            assert level == document.LEVEL

        def multi_compress_to_buffer(self, *_: object, **__: object) -> None:
            raise zstandard.ZstdError("could not initialize zstd thread pool")

    monkeypatch.setattr(document.zstandard, "ZstdCompressor", Cramped)
    with pytest.raises(MemoryError, match="thread pool"):
        compressed([b"body"] * 50)
