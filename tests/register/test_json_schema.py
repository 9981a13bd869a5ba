"""What an editor is told of a file is what the register reads."""

from __future__ import annotations

import re

import jsonschema
import pytest
import yaml

from hub.records import REGISTER_ROWS
from hub_register.json_schema import file_schema
from hub_register.schema import FILES, REQUIRED, row_fields
from hub_register.templates import TEMPLATES, live, summary


class Editor(yaml.SafeLoader):
    """Reads YAML 1.2 as editors do: dates, `on` and `off` are texts."""


Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(("timestamp", ":bool"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def complaints(stem, text):
    validator = jsonschema.Draft7Validator(file_schema(stem))
    return [error.json_path for error in validator.iter_errors(yaml.load(text, Editor))]  # noqa: S506 - safe


def test_every_kind_that_people_keep_has_a_file():
    by_hand = {
        "access_grant", "audit", "budget", "capacity_plan", "communication", "complaint", "configuration_item",
        "continuity_test", "cost_entry", "customer", "document", "improvement_action", "measurement", "ola", "person",
        "plan", "release", "review", "risk", "role_assignment", "satisfaction_survey", "security_incident", "service",
        "service_report", "sla", "supplier", "training_record", "underpinning_contract", "waiver",
    }  # fmt: skip
    assert {*by_hand, *REGISTER_ROWS} <= set(FILES.values())
    assert len(set(FILES.values())) == len(FILES)
    assert set(REQUIRED) <= set(FILES.values())


@pytest.mark.parametrize("stem", FILES)
def test_the_template_is_what_its_schema_asks_for(stem):
    jsonschema.Draft7Validator.check_schema(file_schema(stem))
    assert complaints(stem, live(stem)) == []
    assert TEMPLATES[f"{stem}.yaml"].startswith(f"# yaml-language-server: $schema=schema/{stem}.json\n## ")
    assert 10 < len(summary(stem)) < 130


@pytest.mark.parametrize("stem", FILES)
def test_every_field_has_its_description(stem):
    properties = file_schema(stem)["definitions"]["row"]["properties"]
    assert set(row_fields(FILES[stem])) <= properties.keys()
    assert [name for name, schema in properties.items() if not schema.get("description")] == []


ROW = "declared_by: people/a\ndeclared_at: 2026-01-05\nrows:\n"


@pytest.mark.parametrize(
    ("stem", "text", "places"),
    [
        ("people", ROW + "- {id: a, name: A}", []),
        ("people", "", []),
        ("people", ROW, []),
        ("people", "- {id: a, name: A, declared_by: people/a, declared_at: 2026-01-05}", []),
        ("people", "- {id: a, name: A, declared_by: people/a}", ["$[0]"]),
        ("people", "declared_by: people/a\nrows: [{id: a, name: A}]", ["$.rows[0]"]),
        ("people", "declred_by: people/a\n" + ROW + "- {id: a, name: A}", ["$"]),
        ("people", ROW + "- {id: a, nmae: A}", ["$.rows[0]", "$.rows[0]"]),
        ("people", ROW + "- {id: a, name: A, employment: emploee}", ["$.rows[0].employment"]),
        ("people", ROW + "- {id: a, name: A, email: b@example.com}", ["$.rows[0].email"]),
        ("people", ROW + "- {id: a, name: A, active_from: 1.2.2026}", ["$.rows[0].active_from"]),
        ("people", ROW + "- {id: a, name: A, proof: x, proof_hash: abc}", ["$.rows[0].proof_hash"]),
        ("services", ROW + "- {id: a, name: A, owner: services/b}", ["$.rows[0].owner"]),
        ("services", ROW + "- {id: a, name: A, calendar_id: 7x24}", []),
        ("services", ROW + "- {id: a, name: A, calendar_id: calendars/b, rto_min: 1.5}", ["$.rows[0].rto_min"]),
        ("reviews", ROW + "- {id: a, type: pir, period: 2026-01, recommendations: [{txt: x}]}", ["$.rows[0].recommendations[0]"] * 2),
    ],
)  # fmt: skip
def test_an_editor_underlines_what_is_a_fault(stem, text, places):
    assert complaints(stem, text) == places
