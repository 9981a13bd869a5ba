"""A folder of a hundred thousand mails: what is asked at once, and what is held at once, does not grow with it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence

from hub_email.imap_folder import WINDOW, Folder, FolderState, Mail
from hub_email.imap_reading import read_folder, visible_ids

MAILS = 100_000
SIZE = 2_000
PAGE_SIZE = 100
LISTED = 500
HELD_BYTES = 8_000_000


class Server(Folder):
    """A folder whose mails are made when they are asked for; keeps how much was asked at once."""

    def __init__(self) -> None:
        self.name = self.place = "INBOX"
        self.requests = 0
        self.state = FolderState(1, MAILS + 1, MAILS, 7)
        self.most = {"uids": 0, "sizes": 0, "mails": 0, "identities": 0}

    def _count(self, what: str, uids: Sequence[int]) -> None:
        self.requests += 1
        self.most[what] = max(self.most[what], len(uids))

    def open(self) -> FolderState:
        assert self.state is not None
        return self.state

    def uids(self, low: int, high: int) -> Iterator[list[int]]:
        for first in range(low, high + 1, WINDOW):
            window = list(range(first, min(first + WINDOW, high + 1)))
            self._count("uids", window)
            yield window

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        self._count("sizes", uids)
        return dict.fromkeys(uids, SIZE)

    def mails(self, largest: int, uids: Sequence[int]) -> list[Mail]:
        self._count("mails", uids)
        return [Mail(uid, f"mail-{uid}", str(uid).encode().ljust(SIZE), is_whole=True) for uid in uids]

    def headers(self, uids: Sequence[int]) -> list[Mail]:
        assert not uids
        return []

    def identities(self, uids: Sequence[int]) -> dict[int, bytes]:
        self._count("identities", uids)
        return {uid: b"Message-ID: <%d@x>" % uid for uid in uids}


def test_what_is_held_does_not_grow_with_the_folder() -> None:
    server = Server()
    tracemalloc.start()
    try:
        pages = read_folder(server, "INBOX", None, largest=20_000_000, page_size=PAGE_SIZE, log=print)
        assert sum(len(page.documents) for page in pages) == MAILS
        most_held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert server.most == {"uids": WINDOW, "sizes": LISTED, "mails": PAGE_SIZE, "identities": 0}
    assert server.requests == MAILS // WINDOW + MAILS // LISTED + MAILS // PAGE_SIZE
    assert most_held < HELD_BYTES, f"{MAILS * SIZE} bytes were read"


def test_the_census_asks_for_names_and_never_for_a_mail() -> None:
    server = Server()
    assert len(visible_ids(server, largest=20_000_000)) == MAILS
    assert server.most == {"uids": WINDOW, "sizes": 0, "mails": 0, "identities": LISTED}
