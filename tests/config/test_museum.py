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
    "before-the-calendar": [
        "4: organisation.judge_from: lies outside the years 1 to 9999",
    ],
    "control-character-in-name": [
        '4: sources."de\\x1b[31msk": holds a control character; take it out',
        '4: sources."de\\x1b[31msk": the name may hold small letters, digits and single hyphens only',
    ],
    "day-that-is-none": [
        "4:14: is not TOML: Invalid date or datetime",
    ],
    "line-break-in-host": [
        "6: channels.mail.host: holds a control character; take it out",
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
    "nested-without-end": [
        "is nested deeper than any configuration; look for brackets that are never closed",
    ],
    "no-organisation": [
        "organisation.name: is missing; write: name = …",
        "organisation.zone: is missing; write: zone = …",
    ],
    "no-plugin": [
        '4: sources.desk: is missing its plugin; write: plugin = "…"; known: broken, bs15000, lame, tool',
    ],
    "not-a-number": [
        "5: findings.due_days.critical: should be a finite number",
        "6: findings.due_days.major: should be a finite number",
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
    "nul-in-path": [
        "6: channels.outbox.folder: holds a control character; take it out",
    ],
    "number-of-thousands-of-digits": [
        "holds a number of thousands of digits",
    ],
    "organisation-is-a-list": [
        "1: organisation: should be a table",
    ],
    "pack-is-a-list": [
        "4: packs: should hold tables: [packs.<name>]",
    ],
    "parameter-beyond-any-column": [
        "5: packs.bs15000.parameters.\"BS15000-8.2-c\": 'min_approvers' should be a number from 0 to 36525",
    ],
    "parameter-out-of-range": [
        "5: packs.bs15000.parameters.\"BS15000-8.2-c\": 'min_approvers' should be a number from 0 to 36525",
    ],
    "password-in-store-query": [
        '5: store.url: has a password inside; write it to a file and add: password = { file = "secrets/store" }',
    ],
    "password-in-store-url": [
        '5: store.url: has a password inside; write it to a file and add: password = { file = "secrets/store" }',
    ],
    "plugin-breaks-on-import": [
        "5: sources.desk.plugin: Plugin 'broken' cannot be loaded: no licence found.",
    ],
    "secret-file-missing": [
        "7: sources.desk.token: <museum>/secrets/absent cannot be read: No such file or directory",
    ],
    "secret-file-of-nobody": [
        "7: sources.desk.token: ~nobody-of-this-name/token names the home of a user who is not known here",
    ],
    "profile": [
        (
            '7: packs.bs15000.profile.0.parameters."BS15000-8.2-c": BS15000-8.2-c: min_approvers for organisation '
            'stands in packs.bs15000.parameters."BS15000-8.2-c" too; keep one of the two'
        ),
        "13: packs.bs15000.profile.1.parameters.\"BS15000-8.2-c\": unknown parameter 'min_aprovers'; known: min_approvers",
        "13: packs.bs15000.profile.1.parameters.\"BS15000-8.2-c\": 'min_approvers' is str, expected int",
        (
            "13: packs.bs15000.profile.1.parameters.\"BS15000-8.2-x\": the pack has no requirement 'BS15000-8.2-x'; "
            "did you mean 'BS15000-8.2-c'? known: BS15000-8.2-c"
        ),
        "14: packs.bs15000.profile.1.disabled: '9.9' is no requirement, no clause, and fits none; known: BS15000-8.2-c",
        (
            "14: packs.bs15000.profile.1.disabled: 'BS15000-5.*' is no requirement, no clause, and fits none; "
            "did you mean 'BS15000-8.2-c'? known: BS15000-8.2-c"
        ),
        "15: packs.bs15000.profile.1.severity: holds for the whole organisation only; leave out service and customer",
        (
            "27: packs.bs15000.profile.3.enabled: BS15000-8.2-c: whether it is judged for service register:services/mail "
            "stands in packs.bs15000.profile.2.disabled too; keep one of the two"
        ),
    ],
    "profile-without-reason": [
        "5: packs.bs15000.profile.0.reason: is missing; write: reason = …",
        "6: packs.bs15000.profile.0.service: should be the id of a record: `<source>:<id>`, such as register:people/alice",
        "9: packs.bs15000.profile.0.set_at: should be a date: 2026-10-01",
        "10: packs.bs15000.profile.1: sets nothing; write parameters, disabled, enabled or severity",
        "15: packs.bs15000.profile.2.severity.\"8.2\": should be 'critical', 'major' or 'minor'",
        (
            "16: packs.bs15000.profile.2.disable: unknown key; did you mean 'disabled'? "
            "known: customer, disabled, enabled, parameters, reason, service, set_at, set_by, severity"
        ),
    ],
    "retention": [
        '8: retention.key: a secret does not belong into this file; write { file = "secrets/key" } or { env = "NAME" }',
        "9: retention.rules.0.reason: is missing; write: reason = …",
        "12: retention.rules.0.keep: should be a number of days, months or years, such as 90 days, 36 months, 10 years",
        "13: retention.rules.0.kind: is no kind of record; such as incident or change",
        "19: retention.holds.0: holds nothing; write record, source or scope",
    ],
    "retention-names": [
        "9: retention.rules.0.source: there is no source 'mial'; did you mean 'mail'? known: desk, mail",
        "14: retention.holds.0.source: there is no source 'dsk'; did you mean 'desk'? known: desk, mail",
    ],
    "retention-twice": [
        "4: retention.rules: two rules have the name 'mail'; the log of disposals tells them apart by it",
    ],
    "secret-in-file": [
        '7: sources.desk.token: a secret does not belong into this file; write { file = "secrets/token" } or { env = "NAME" }',
    ],
    "secret-is-a-folder": [
        "7: sources.desk.token: <museum> is no file; write the secret into one",
    ],
    "secret-path-with-nul": [
        "7: sources.desk.token: embedded null byte",
        "7: sources.desk.token.file: holds a control character; take it out",
    ],
    "secret-variable-unset": [
        "7: sources.desk.limits.key: the environment variable IMAGINED_KEY is not set",
    ],
    "secret-with-two-sources": [
        '7: sources.desk.token: a secret does not belong into this file; write { file = "secrets/token" } or { env = "NAME" }',
    ],
    "store-without-scheme": [
        "5: store.url: should begin with sqlite:/// or postgresql+psycopg://",
    ],
    "ten-faults": [
        "1: organisation.name: is missing; write: name = …",
        "2: organisation.nmae: unknown key; did you mean 'name'? known: calendar, judge_from, manager, name, zone",
        "3: organisation.zone: unknown zone 'Europe/Berln'; did you mean 'Europe/Berlin'?",
        "4: organisation.judge_from: should be a date (2026-10-01) or a time with offset (2026-10-01T06:00:00Z)",
        "5: source: unknown key; did you mean 'sources'? known: channels, findings, organisation, packs, plugins, reports, retention, sources, store, waivers",
        "6: sources.desk.url: is missing; write: url = …",
        '8: sources.desk.token: a secret does not belong into this file; write { file = "secrets/token" } or { env = "NAME" }',
        "9: sources.desk.flavour: should be 'cloud' or 'data_center'",
        "11: channels.mail.plugin: no plugin offers channels of the type 'smpt'; did you mean 'smtp'? known: broken, bs15000, file, lame, smtp",
        "13: findings.due_days.critical: should be greater than or equal to 0",
        "15: reports.conformance.to.0: should be the id of a record: `<source>:<id>`, such as register:people/alice",
        "17: packs.bs1500: no plugin offers a pack 'bs1500'; did you mean 'bs15000'? known: broken, bs15000, lame",
    ],
    "time-without-offset": [
        "4: organisation.judge_from: a time needs an offset: 2026-10-01T06:00:00Z; or write a date alone: 2026-10-01",
    ],
    "twice-the-same-source": [
        "7:14: is not TOML: Cannot declare ('sources', 'desk') twice",
    ],
    "unknown-channel": [
        "9: reports.conformance.channels: there is no channel 'outbx'; did you mean 'outbox'? known: outbox",
    ],
    "unknown-channel-type": [
        "5: channels.mail.plugin: no plugin offers channels of the type 'smpt'; did you mean 'smtp'? known: broken, bs15000, file, lame, smtp, tool",
    ],
    "unknown-key": [
        "8: sources.desk.projcts: unknown key; did you mean 'projects'? known: ca_bundle, census, enabled, fetchers, flavour, limits, others, plugin, projects, proxy, statuses, token, url",
    ],
    "unknown-key-of-a-part": [
        "7: sources.desk.limits.per_minut: unknown key; did you mean 'per_minute'? known: key, per_minute",
    ],
    "unknown-listed-plugin": [
        "1: plugins: Plugin 'acme' is not installed. Installed: broken, bs15000, email, lame, tool",
    ],
    "unknown-pack": [
        "4: packs.bs1500: no plugin offers a pack 'bs1500'; did you mean 'bs15000'? known: broken, bs15000, lame, tool",
    ],
    "unknown-plugin": [
        "5: sources.desk.plugin: no plugin offers sources of the type 'tol'; did you mean 'tool'? known: broken, bs15000, lame, tool",
    ],
    "unknown-section": [
        "4: source: unknown key; did you mean 'sources'? known: channels, findings, organisation, packs, plugins, reports, retention, sources, store, waivers",
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
    "wrong-type": [
        '7: sources.desk.projects: should be a list: ["…"]',
        "8: sources.desk.fetchers: should be a whole number",
        "9: sources.desk.enabled: should be true or false",
    ],
    "zone-is-a-path": [
        "3: organisation.zone: unknown zone '../../etc/passwd'; zones look like 'Europe/Berlin'",
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
