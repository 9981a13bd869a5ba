"""What a part says it reads is what its SQL names: too little, and a changed record is missed."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.dialects import sqlite

from hub.conformance.part import Part
from hub.records import KINDS
from hub_bs15000.catalogue import load_pack
from tests.conformance.kit import small_pack

PARTS = [part for one in (*small_pack(), *load_pack().requirements({})) for part in one.parts]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.requirement}-{part.name}")
def test_reads_what_its_sql_names(part: Part) -> None:
    sql = re.sub(r"'(?:[^']|'')*'", "''", part.sql(sqlite.dialect()))  # words are no tables
    tables = set(re.findall(r"(?:FROM|JOIN|,)\s+([a-z_]+)", sql))
    read = (tables & KINDS.keys()) | (tables & {"period"})
    if tables & {"local_day", "open_interval"}:
        read.add("calendar")
    if tables & {"sla_clock", "sla_mark"}:
        read.add("clock")
    if ".canonical" in sql:
        read.add("identity")
    assert read - part.reads.keys() == set()
