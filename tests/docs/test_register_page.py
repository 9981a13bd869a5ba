"""The page of the register is written from what the hub reads; its examples are read as they stand."""

from __future__ import annotations

import re

from hub_register.reader import read_text
from hub_register.schema import FILES
from tests.docs.register_page import PAGE, register_page


def test_the_page_is_what_kinds_and_commands_say():
    assert PAGE.read_text(encoding="utf-8") == register_page()


def test_every_kind_has_its_example():
    examples = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(examples) == len(FILES) + 1
    assert all(read_text(text, "page").value["rows"].value for text in examples)
