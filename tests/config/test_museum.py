"""Each file of the museum is wrong in one way, and is told so in words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.config.load import load_configuration
from hub.errors import ConfigurationError

MUSEUM = Path(__file__).parent / "museum"

EXPECTED = {
    "bad-source-name": [
        '4: sources."Service Desk": the name may hold small letters, digits and single hyphens only',
        "7: sources.hub: the name 'hub' is taken: the hub keeps its own records under it",
    ],
    "missing-key": [
        "4: sources.desk.url: is missing; write: url = …",
    ],
    "missing-library": [
        "5: sources.desk.plugin: Plugin 'lame' cannot be loaded: No module named 'imagined_library_that_is_missing'.",
    ],
    "names-alike": [
        "7: sources.service_desk: differs from 'service-desk' in writing only; choose another name",
    ],
    "negative-days": [
        "5: findings.due_days.critical: should be greater than or equal to 0",
    ],
    "no-organisation": [
        "organisation.name: is missing; write: name = …",
        "organisation.zone: is missing; write: zone = …",
    ],
    "no-plugin": [
        '4: sources.desk: is missing its plugin; write: plugin = "…"; known: bs15000, lame, tool',
    ],
    "not-a-record-id": [
        "4: organisation.manager: should be the id of a record: `<source>:<id>`, such as register:people/alice",
    ],
    "not-a-table": [
        "5: sources.desk: should be a table: [sources.desk]",
    ],
    "not-toml": [
        "2:16: is not TOML: Illegal character '\\n'",
    ],
    "password-in-store-url": [
        '5: store.url: has a password inside; write it to a file and add: password = { file = "secrets/store" }',
    ],
    "secret-file-missing": [
        "7: sources.desk.token: <museum>/secrets/absent cannot be read: No such file or directory",
    ],
    "secret-in-file": [
        '7: sources.desk.token: a secret does not belong into this file; write { file = "secrets/token" } or { env = "NAME" }',
    ],
    "secret-variable-unset": [
        "7: sources.desk.limits.key: the environment variable IMAGINED_KEY is not set",
    ],
    "time-without-offset": [
        "4: organisation.judge_from: a time needs an offset: 2026-10-01T06:00:00Z; or write a date alone: 2026-10-01",
    ],
    "twice-the-same-source": [
        "7:14: is not TOML: Cannot declare ('sources', 'desk') twice",
    ],
    "unknown-channel-type": [
        "5: channels.mail.plugin: no plugin offers channels of the type 'smpt'; did you mean 'smtp'? known: bs15000, file, lame, smtp, tool",
    ],
    "unknown-channel": [
        "9: reports.conformance.channels: there is no channel 'outbx'; did you mean 'outbox'? known: outbox",
    ],
    "unknown-key-of-a-part": [
        "7: sources.desk.limits.per_minut: unknown key; did you mean 'per_minute'? known: key, per_minute",
    ],
    "unknown-key": [
        "8: sources.desk.projcts: unknown key; did you mean 'projects'? known: ca_bundle, enabled, fetchers, flavour, limits, others, plugin, projects, proxy, statuses, token, url",
    ],
    "unknown-listed-plugin": [
        "1: plugins: Plugin 'acme' is not installed. Installed: bs15000, email, lame, tool",
    ],
    "unknown-pack": [
        "4: packs.bs1500: no plugin offers a pack 'bs1500'; did you mean 'bs15000'? known: bs15000, lame, tool",
    ],
    "unknown-plugin": [
        "5: sources.desk.plugin: no plugin offers sources of the type 'tol'; did you mean 'tool'? known: bs15000, lame, tool",
    ],
    "unknown-section": [
        "4: source: unknown key; did you mean 'sources'? known: channels, findings, organisation, packs, plugins, reports, sources, store",
    ],
    "unknown-zone": [
        "3: organisation.zone: unknown zone 'Europe/Berln'; did you mean 'Europe/Berlin'?",
    ],
    "wrong-choice": [
        "7: sources.desk.flavour: should be 'cloud' or 'data_center'",
        "9: sources.desk.statuses.\"In Arbeit\": should be 'new' or 'closed'",
    ],
    "wrong-parameters": [
        "5: packs.bs15000.parameters.\"BS15000-8.2-c\": unknown parameter 'min_aprovers'; known: min_approvers",
        "5: packs.bs15000.parameters.\"BS15000-8.2-c\": 'min_approvers' is str, expected int",
        "6: packs.bs15000.parameters.\"BS15000-8.2-x\": the pack has no requirement 'BS15000-8.2-x'; did you mean 'BS15000-8.2-c'? known: BS15000-8.2-c",
    ],
}


def told(name: str, registry) -> list[str]:
    path = MUSEUM / f"{name}.toml"
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path, registry)
    return [
        str(fault).removeprefix(f"{path}").removeprefix(":").lstrip().replace(f"{MUSEUM}", "<museum>")
        for fault in caught.value.faults
    ]


@pytest.mark.parametrize("name", sorted(path.stem for path in MUSEUM.glob("*.toml")))
def test_fault_is_told(name, registry):
    assert told(name, registry) == EXPECTED[name]


def test_no_secret_is_repeated(registry):
    for path in MUSEUM.glob("*.toml"):
        assert "hunter2" not in "".join(told(path.stem, registry)), path.name
