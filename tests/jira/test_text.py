from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_jira.text import plain


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


def para(*content):
    return {"type": "paragraph", "content": [{"type": "text", "text": c} if isinstance(c, str) else c for c in content]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (7, ""),
        ("plain_name *kept*", "plain_name *kept*"),
        ("h1. Way back\n{code:sql}DROP{code}\nsee [wiki|https://w.example/x]", "Way back\nDROP\nsee wiki (https://w.example/x)"),
        ("[~accountid:5f8d] and [~bob] say {color:red}no{color}", "@5f8d and @bob say no"),
        ("!shot.png|width=3! seen\r\nbq. quoted", "(shot.png) seen\nquoted"),
        (doc(para("one"), para("two ", {"type": "mention", "attrs": {"text": "@Bob"}})), "one\ntwo @Bob"),
        (
            doc({"type": "bulletList", "content": [{"type": "listItem", "content": [para("stop")]}, {"type": "listItem", "content": [para("restore")]}]}),
            "- stop\n- restore",
        ),
        (doc(para({"type": "text", "text": "runbook", "marks": [{"type": "link", "attrs": {"href": "https://r"}}]})), "runbook (https://r)"),
        (doc(para("a", {"type": "hardBreak"}, "b")), "a\nb"),
        (doc({"type": "codeBlock", "content": [{"type": "text", "text": "rm x"}]}), "rm x"),
        (doc({"type": "unheard", "content": [para("still read")]}), "still read"),
        (doc({"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [para("l")]}, {"type": "tableCell", "content": [para("r")]}]}]}), "l | r |"),
    ],
)  # fmt: skip
def test_words_come_out(value, text):
    assert plain(value) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["type", "content", "text", "attrs", "marks"]), inner)
    ),
)


@given(JSON)
def test_never_fails(value):
    assert isinstance(plain(value), str)
