"""Commented examples of every register file, for `hub init` and for people who begin one.

A line that begins with `## ` explains; one that begins with `# ` is an example row.
"""

from __future__ import annotations

__all__ = ["TEMPLATES", "uncomment"]


def uncomment(template: str) -> str:
    """Turn a template into the file its examples stand for; the explanations stay comments."""
    lines = (line if line.startswith("##") else line.removeprefix("# ") for line in template.splitlines())
    return "\n".join(lines) + "\n"


_DECLARED = """\
## Every row has an id of its own, and says who vouches for it (declared_by), since when (declared_at)
## and what that rests on (proof: a path, URL or Message-ID). What all rows of a file share may stand
## once in its head; a row that says it again wins. Times are local times of `zone` (or of the
## organisation) unless they carry an offset; a date means the midnight it begins with.
## Change declared_at when you change what a row says: a field counts from then on.
##
"""
_HEAD = """\
# declared_by: people/alice
# declared_at: 2026-01-05
# rows:
"""

TEMPLATES: dict[str, str] = {
    "people.yaml": f"""\
## People. `accounts` ties a person to the logins of tools; a login nobody claims is not provable.
{_DECLARED}{_HEAD}\
# - id: alice
#   name: Alice Example
#   email: [alice@example.com]
#   employment: employee
#   active_from: 2019-04-01
#   accounts: ["service-desk:user/5b10ac8d82e05b22cc7d4ef5"]
#   proof: personnel list of 2026-01-05
# - id: bob
#   name: Bob Example
#   email: [bob@example.com]
#   employment: external
#   party: teams/operations
#   proof: contract 2025-117
""",
    "roles.yaml": f"""\
## Who holds which role, for which process or service, from and to when.
{_DECLARED}{_HEAD}\
# - id: alice-change-authority
#   person: people/alice
#   role: change_authority
#   process: change_management
#   from: 2025-10-01
#   authorised_by: people/bob
#   proof: letter of appointment of 2025-09-28
# - id: alice-manager
#   person: people/alice
#   role: service_manager
#   service: services/shop
#   from: 2025-10-01
#   to: 2027-01-01
""",
    "teams.yaml": f"""\
## Teams and who leads them.
{_DECLARED}{_HEAD}\
# - id: operations
#   name: Operations
#   manager: people/alice
#   members: [people/alice, people/bob]
""",
    "services.yaml": f"""\
## The service catalogue. `owner` answers for findings; `calendar_id` is 5x8, 7x24 or one of calendars.yaml.
{_DECLARED}{_HEAD}\
# - id: shop
#   name: Web shop
#   owner: people/alice
#   customer_id: customers/retail
#   lifecycle: live
#   in_scope: true
#   in_scope_from: 2025-10-01
#   customer_facing: true
#   calendar_id: calendars/office
#   availability_target: 99.5
#   proof: service catalogue 3.1
""",
    "customers.yaml": f"""\
## For whom services are provided.
{_DECLARED}{_HEAD}\
# - id: retail
#   name: Retail division
#   contact_id: people/bob
#   key_customer: true
""",
    "calendars.yaml": f"""\
## Support hours beside the built-in 5x8 (Mon-Fri 08-12 and 13-17) and 7x24. Local, half-open intervals;
## `closes` not after `opens` means past midnight. extra_open: make-up workdays. valid_to: first day it no
## longer holds.
{_DECLARED}{_HEAD}\
# - id: office
#   title: Office hours with the holidays of 2026
#   zone: Europe/Berlin
#   weekly:
#     - {{day: mon, opens: "09:00", closes: "17:00"}}
#     - {{day: tue, opens: "09:00", closes: "17:00"}}
#     - {{day: wed, opens: "09:00", closes: "17:00"}}
#     - {{day: thu, opens: "09:00", closes: "17:00"}}
#     - {{day: fri, opens: "09:00", closes: "15:00"}}
#   closed: [2026-04-03, 2026-04-06]
#   extra_open:
#     - {{date: 2026-04-11, opens: "09:00", closes: "12:00"}}
#   holiday_set: own list
#   holiday_set_version: "2026"
""",
    "waivers.yaml": f"""\
## Accepted exceptions. The approver is not the owner. Any fault in this file stops the whole register:
## an exception that is silently not read would become a finding, or hide one.
{_DECLARED}{_HEAD}\
# - id: w-2026-01
#   requirement_id: BS15000-8.2-c
#   subject: services/shop
#   reason: The old shop is switched off in March; its changes are approved by mail until then.
#   owner: people/bob
#   approver: people/alice
#   valid_from: 2026-01-05
#   valid_to: 2026-04-01
#   proof: minutes of the management forum of 2026-01-05
""",
    "reviews.yaml": f"""\
## Meetings that looked back: management reviews, service reviews, post-implementation reviews (type pir,
## subject_id: the change). `period: 2026-01` is that whole local month. An empty list says: none, explicitly.
{_DECLARED}{_HEAD}\
# - id: forum-2026-01
#   type: management_forum
#   held_at: 2026-02-03T10:00
#   period: 2026-01
#   chaired_by: people/alice
#   attendees:
#     - {{person: people/bob, function: problem manager}}
#   items: ["service-desk:issue/10012"]
#   inputs: [trend of incidents, list of problems]
#   conclusions: Two problems need an owner.
#   recommendations:
#     - {{text: Name an owner for each problem, action_id: improvement_actions/owner-for-problems}}
#   action_ids: [improvement_actions/owner-for-problems]
#   declared_at: 2026-02-03T12:00:00+01:00
#   proof: minutes/2026-02-03.pdf
""",
    "documents.yaml": f"""\
## Controlled documents: policies, procedures, plans of record.
{_DECLARED}{_HEAD}\
# - id: change-policy
#   title: Change policy
#   doc_type: policy
#   version: "2.0"
#   doc_status: effective
#   owner: people/alice
#   authorised_by: people/alice
#   authorised_at: 2025-12-15T09:30
#   effective_from: 2026-01-01
#   review_days: 365
#   uri: https://example.com/documents/change-policy
#   sections:
#     - {{name: Emergency changes, text: See chapter 4.}}
#   proof: documents/change-policy-2.0.pdf
""",
    "improvement_actions.yaml": f"""\
## What is to be done better, by whom and by when, where no ticket holds it.
{_DECLARED}{_HEAD}\
# - id: owner-for-problems
#   title: Name an owner for each problem
#   owner: people/bob
#   source_type: review
#   source_ids: [reviews/forum-2026-01]
#   process: problem_management
#   due_at: 2026-04-01
#   declared_at: 2026-02-03T12:00:00+01:00
#   proof: minutes/2026-02-03.pdf
""",
    "disposals.yaml": f"""\
## Records and documents destroyed or archived for good. approved_at is before at.
{_DECLARED}{_HEAD}\
# - id: d-2026-01
#   subject_id: documents/change-policy
#   method: shredded, protocol 17
#   approved_by: people/alice
#   approved_at: 2026-01-10T09:00
#   at: 2026-01-12T15:00
#   declared_at: 2026-01-12T16:00
#   proof: protocols/17.pdf
""",
    "service_reports.yaml": f"""\
## Reports that were handed over and that the hub did not make. Until submitted_at is there, none was.
{_DECLARED}{_HEAD}\
# - id: problems-2026-01
#   title: Problem management in January 2026
#   type: process
#   process: problem_management
#   period: 2026-01
#   author: people/bob
#   issued_at: 2026-02-03T09:00
#   submitted_at: 2026-02-04T10:00
#   declared_at: 2026-02-04T10:30
#   proof: reports/problems-2026-01.pdf
""",
}
"""File name to its commented example; together they are one consistent register."""
