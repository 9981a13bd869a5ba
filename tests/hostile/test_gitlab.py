"""Whatever a document of GitLab holds, mapping gives records both engines keep, or a counted reason."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.store.verify import verify_chain, verify_revisions
from hub.store.writer import write_page
from hub.sync.intake import take_in
from hub.sync.source import Document
from tests.gitlab.mapping_kit import policy
from tests.hostile.gitlab_payload import ALIKE, HEADS, OWN, WHOLE
from tests.hostile.payload import ODD, body, damaged, places
from tests.hostile.target import GITLAB, sound

LONGEST_S = 5.0
"""CPU seconds for one document; the largest takes a tenth of it on a slow machine."""
FAULTS = [*product(sorted(WHOLE), ALIKE), *((stream, name) for stream in OWN for name in OWN[stream])]


def document(stream: str, name: str, native: str = "1") -> Document:
    made = ALIKE[name](stream) if name in ALIKE else OWN[stream][name]()
    return Document(stream, native, "501", made if isinstance(made, bytes) else body(made))


def taken(*documents: Document):
    intake = take_in(GITLAB, "git", documents)
    sound(intake)
    return intake


@pytest.mark.parametrize(("stream", "name"), FAULTS)
def test_named_payload(stream, name):
    one = document(stream, name)
    began = time.process_time()
    taken(one)
    assert time.process_time() - began < LONGEST_S


@pytest.mark.parametrize("name", HEADS)
def test_named_head_of_a_document(name):
    text = f"---\n{HEADS[name]}\n---\n# Text\n"
    began = time.process_time()
    intake = taken(Document("document", "1", "501", body(policy(text=text))))
    assert time.process_time() - began < LONGEST_S
    [told] = intake.normalised
    edition = told.records[0]
    assert edition.id == "git:document/501/policies/it/change.md@cccccccccccc"
    assert edition.authorised_by == "git:user/3", "who approved the merge request, whatever the file says"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.sampled_from(sorted(ALIKE)), st.data())
def test_a_fault_within_a_fault(stream, name, data):
    """Whatever already has one fault gets another at any place."""
    made = ALIKE[name](stream)
    if isinstance(made, dict):
        spot = data.draw(st.sampled_from(list(places(made))))
        made = body(damaged(made, spot, data.draw(st.sampled_from(ODD))))
    taken(Document(stream, "1", "501", made))


def test_all_of_them_are_kept(make_store):
    """Both engines keep what the mapping gives, page after page, and nothing of it is altered when read back."""
    store = make_store()
    with store.begin() as conn:
        for n, (stream, name) in enumerate(each for each in FAULTS if not each[1].startswith("10,000")):
            one = document(stream, name, str(n))
            write_page(conn, source="git", documents=[one], normalised=taken(one).normalised, known_at=n)
    with store.connect() as conn:
        checked = [*verify_chain(conn), verify_revisions(conn)]
    assert not [one for one in checked if one.broken]
    assert {one.what: one.count for one in checked}["documents"] == n + 1
