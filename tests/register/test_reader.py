"""YAML as people and attackers write it: text stays text, every oddity has a place and a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub_register.reader import MAX_ALIASES, MAX_BYTES, MAX_VALUES, BrokenFile, Node, read_file, read_text


def broken(text):
    with pytest.raises(BrokenFile) as caught:
        read_text(text, "f.yaml")
    return str(caught.value)


def test_plain_values_stay_text():
    node = read_text("- {a: no, b: 1.10, c: 2026-10-01, d: 08:00, e: null, f: 'null', g: , h: ~, i: 0o17}", "f")
    assert node.plain() == [
        {
            "a": "no",
            "b": "1.10",
            "c": "2026-10-01",
            "d": "08:00",
            "e": None,
            "f": "null",
            "g": None,
            "h": None,
            "i": "0o17",
        }
    ]


def test_nodes_know_their_place():
    node = read_text("- id: a\n  name: b\n- id: c\n", "f")
    second = node.value[1]
    assert (second.line, second.column, second.value["id"].column) == (3, 3, 7)
    assert node.value[0].keys["name"] == (2, 3)


def test_plain_and_back_again():
    plain = [{"a": "b", "c": [None, {"d": "e"}]}]
    assert Node.of(plain, 1, 1).plain() == plain


def test_aliases_are_read():
    assert read_text("- &a {x: y}\n- *a\n", "f").plain() == [{"x": "y"}, {"x": "y"}]


def test_empty_file_has_no_value():
    assert read_text("", "f").value is None
    assert read_text("# only a comment\n", "f").value is None


BOMB = "- &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"- &{name} [{', '.join(['*' + before] * 10)}]\n" for before, name in ["ab", "bc", "cd", "de", "ef", "fg"]
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- id: a\n  id: b\n", "f.yaml:2:3: key 'id' stands twice in one row (first in line 1)"),
        ("- id: a\n\tname: b\n", "f.yaml:2:1: a tab stands where YAML wants spaces; indent with spaces"),
        ("- id: [a\n", "is not YAML here"),
        ("a: b\n---\na: c\n", "f.yaml:2:1: holds a second document"),
        (
            "- !!python/object/apply:os.system [ls]\n",
            "f.yaml:1:3: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not read",
        ),
        ("- !!int 3\n", "the tag 'tag:yaml.org,2002:int' is not read"),
        ("- *nobody\n", "f.yaml:1:3: no anchor &nobody is complete before this alias"),
        ("- &a [*a]\n", "no anchor &a is complete before this alias"),
        ("- &a x\n" + "- *a\n" * (MAX_ALIASES + 1), f"has more than {MAX_ALIASES} aliases"),
        (BOMB, f"holds more than {MAX_VALUES} values once aliases are written out"),
        ("[" * 5000, "is nested deeper than 20 levels"),
        ("- <<: {a: b}\n", "merge keys (`<<`) are not read"),
        ("- ? [a]\n  : b\n", "a key must be plain text"),
        ("- ~: b\n", "a key must be plain text"),
        ("- a: \x07\n", "control character"),
    ],
)
def test_what_breaks_a_file(text, said):
    assert said in broken(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: é\n".encode("latin-1"), "f.yaml:1:4: is not UTF-8; save it as UTF-8"),
        ("a: b\n".encode("utf-16"), "f.yaml: is UTF-16; save it as UTF-8"),
        (b"#" * (MAX_BYTES + 1), "f.yaml: larger than 5 MB; split it"),
    ],
)
def test_bytes_that_are_no_text(tmp_path, content, said):
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(BrokenFile) as caught:
        read_file(path, "f.yaml")
    assert str(caught.value) == said


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbf- id: \xe5\xbc\xa0\xe4\xb8\x89\n")
    assert read_file(path, "f.yaml").plain() == [{"id": "张三"}]


def test_a_file_that_went_away_is_a_fault(tmp_path):
    with pytest.raises(BrokenFile, match=r"f\.yaml: cannot be read: No such file"):
        read_file(tmp_path / "f.yaml", "f.yaml")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=" \n\t-:{}[],&*!|>'\"%@#?<~ab0\u00e9\u4e2d\x07\ufeff\u2028", max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text):
    try:
        node = read_text(text, "f.yaml")
    except BrokenFile as error:
        assert error.fault.message  # noqa: PT017 - both ends are right
    else:
        assert Node.of(node.plain(), 1, 1).plain() == node.plain()
