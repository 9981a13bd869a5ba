"""`hub waive`: accepts an exception for a time, lists those accepted, ends one."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from hub.cli.judging import judged, shown_instant, shown_subject
from hub.cli.option import CONFIG, AsOfOption, ConfigOption, Format, FormatOption, KnownAtOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.clock import format_instant
from hub.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from hub.conformance.judge import Judgement
    from hub.records import Waiver
    from hub.sync.waiver import WaiverKeeper, Written

__all__ = ["register"]

_LISTED = (
    *("id", "requirement", "unit_filter", "state", "valid_from", "valid_to", "approver", "obligations", "units"),
    *("reason", "notes"),
)
_WRITTEN = ("id", "file", "requirement", "valid_from", "valid_to", "units", "next")


def register(app: typer.Typer) -> None:
    """Add the command."""
    given = '--reason "one-way migration" --approver register:people/carol --until 2026-12-31'
    lines = (
        f'hub waive BS15000-8.2-d --unit "service=register:services/shop" {given}',
        f"hub waive BS15000-8.2-d --unit CHG-812 {given} --from 2026-12-01",
        "hub waive --list",
        'hub waive --revoke w-2026-11-22-1 --reason "plan was written"',
    )
    app.command(epilog=examples(*lines))(waive)


def waive(
    requirement: Annotated[
        str | None, typer.Argument(metavar="[REQUIREMENT]", help="Which requirement is set aside.")
    ] = None,
    *,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="FILTER",
            help="For which records: a key or id (a service with all that is tied to it), or name=value pairs joined "
            "by commas (id, key with *, source, scope, service). Default: all of the requirement's.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands in reports.")] = "",
    approver: Annotated[
        str, typer.Option(metavar="PERSON", help="Who accepts it: not the owner, and not who runs this.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="Last local day it holds: 2026-12-31.")] = "",
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="First day it holds. Default: today.")] = "",
    proof: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the approval rests on: minutes, URL, Message-ID.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List all waivers, those that ended included.")] = False,
    revoke: Annotated[str | None, typer.Option(metavar="ID", help="Let this waiver end now; say the reason.")] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Register to write into, where there are several.")
    ] = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Accept an exception for a time, list those accepted, or end one.

    A waiver is a row of waivers.yaml in the register; this writes it there, comments and other rows stay, and says
    what to commit. It counts from the next `hub run` on, is never counted as met, and when it ends what it
    covered is open again. `--as-of` and `--known-at` are for `--list`.
    """
    if sum((requirement is not None, listing, revoke is not None)) != 1:
        raise _refused("", "say one of REQUIREMENT, --list and --revoke ID")
    with Session(config) as session:
        if listing:
            with judged(session, as_of, known_at) as judgement:
                rows = _list_rows(session, judgement)
            emit(rows, _LISTED, output)
            return
        _check_reason(reason)
        name, keeper = _keeper(session, source)
        if revoke is not None:
            row = _revoked(session, keeper, revoke, reason)
        else:
            row = _given(
                session,
                keeper,
                requirement or "",
                unit=unit,
                reason=reason,
                approver=approver if ":" in approver or not approver else f"{name}:{approver}",
                days=_days(session, since, until),
                proof=proof,
            )
    emit([row], _WRITTEN, output)


def _list_rows(session: Session, judgement: Judgement) -> list[dict[str, Any]]:
    from hub.conformance.waiver_list import list_waivers

    found = list_waivers(judgement, everything=True, warn_days=session.configuration.waivers.warn_days)
    return [
        {
            **{name: getattr(row, name) for name in _LISTED},
            "valid_from": shown_instant(row.valid_from),
            "valid_to": shown_instant(row.valid_to),
            "approver": shown_subject(row.approver),
        }
        for row in found
    ]


def _given(
    session: Session,
    keeper: WaiverKeeper,
    requirement: str,
    *,
    unit: str | None,
    reason: str,
    approver: str,
    days: tuple[dt.date, dt.date],
    proof: str | None,
) -> dict[str, Any]:
    from hub.records import Waiver
    from hub.store.authority import operator_of
    from hub.sync.waiver import NewWaiver

    operator, now = operator_of(session.configuration.retention.operators), session.clock.now_ms()
    first, end = days
    with judged(session, None, None) as judgement:
        subject, subject_filter = _which(judgement, requirement, unit)
        meant = Waiver(
            id="hub:waiver",
            source="hub",
            created_at=now,
            requirement_id=requirement,
            subject=subject,
            subject_filter=subject_filter,
            reason=reason,
            owner=operator,
            approver=approver or None,
            valid_from=_midnight(session, first),
            valid_to=_midnight(session, end),
        )
        units = _checked(session, judgement, meant)
    written = keeper.add(
        NewWaiver(
            requirement_id=requirement,
            subject=subject,
            subject_filter=subject_filter,
            reason=reason,
            owner=operator,
            approver=approver,
            valid_from=first.isoformat(),
            valid_to=end.isoformat(),
            declared_by=operator,
            declared_at=now - now % 1000,
            proof=proof,
        )
    )
    return _written(written) | {
        "requirement": requirement,
        "valid_from": shown_instant(meant.valid_from),
        "valid_to": shown_instant(meant.valid_to),
        "units": units,
    }


def _checked(session: Session, judgement: Judgement, meant: Waiver) -> int | None:
    """Refuse what would be malformed, covers nothing, or is accepted by who owns it; return how many it covers."""
    from hub.conformance.waiver import covered_units
    from hub.conformance.waiver_list import owners_of, units_found
    from hub.conformance.waiver_rule import faults_of, load_people

    roles = {one.id: one.entry.role for one in judgement.requirements}
    people = load_people(judgement.conn, (meant.approver, meant.owner))
    wrong = list(faults_of(meant, roles, people, session.configuration.waivers.longest_days))
    if wrong:
        raise ConfigurationError([Fault(message, key="waiver") for message in wrong])
    parts = [number for number, part in judgement.parts.items() if part.requirement == meant.requirement_id]
    units = covered_units(judgement.conn, meant)
    if units is not None and not units:
        raise _refused("--unit", "no record matches")
    concerned = units_found(judgement.conn, parts) if units is None else units
    if people.humans[meant.approver or ""] in owners_of(judgement.conn, concerned, parts):
        raise _refused("--approver", f"{meant.approver} owns what it covers; somebody else must accept it")
    return None if units is None else len(units)


def _which(judgement: Judgement, requirement: str, unit: str | None) -> tuple[str | None, str | None]:
    """Return (subject, filter) for what was written: one record by id or key, or conditions.

    Of several records of one key (a change and its approvals) the one is meant that owes under the requirement.
    """
    from hub.conformance.subject import find_sid, subjects
    from hub.conformance.waiver_list import owing

    if unit is None or "=" in unit:
        return None, unit
    sids = find_sid(judgement.conn, unit)
    if len(sids) > 1:
        parts = [number for number, part in judgement.parts.items() if part.requirement == requirement]
        sids = sorted(owing(judgement, parts, sids)) or sids if parts else sids
    if len(sids) != 1:
        said = "no record of this key or id was read" if not sids else "is the key of several records; give the id"
        raise _refused("--unit", f"{unit}: {said}")
    return subjects(judgement.conn, sids)[sids[0]].id, None


def _revoked(session: Session, keeper: WaiverKeeper, waiver: str, reason: str) -> dict[str, Any]:
    from hub.store.authority import operator_of

    operator, now = operator_of(session.configuration.retention.operators), session.clock.now_ms()
    at = now - now % 1000
    return _written(keeper.end(waiver, at=at, note=f"revoked {format_instant(at)[:10]} by {operator}: {reason}"))


def _written(written: Written) -> dict[str, Any]:
    return {"id": written.id, "file": written.file, "next": f"commit {written.file}, then: hub run"}


def _keeper(session: Session, source: str | None) -> tuple[str, WaiverKeeper]:
    """Make what writes waivers, of the one source that keeps them."""
    able = session.waiver_keepers()
    if not able:
        lines = '[sources.register]\nplugin = "register"\nfolder = "register"'.replace("\n", ", ")
        raise _refused(
            "sources", f"none of them keeps waivers; add to {session.config}: {lines}, and a folder register"
        )
    if source is not None and source not in able:
        raise _refused("--source", f"{source} keeps no waivers; known: {', '.join(sorted(able))}")
    if source is None and len(able) > 1:
        raise _refused("--source", f"say into which register: {', '.join(sorted(able))}")
    name = source or next(iter(able))
    return name, able[name]


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise _refused("--reason", "is missing; say why")
    if not reason.isprintable():
        raise _refused("--reason", "should be one line without control characters")


def _days(session: Session, since: str, until: str) -> tuple[dt.date, dt.date]:
    """Return the first local day, and the first no longer covered."""
    today = dt.datetime.fromtimestamp(session.clock.now_ms() // 1000, ZoneInfo(session.configuration.organisation.zone))
    first = _day("--from", since) if since else today.date()
    if first < today.date():
        raise _refused("--from", "lies in the past; a waiver does not reach back, and covers what is open all the same")
    if not until:
        raise _refused("--until", "is missing; a waiver has an end")
    return first, _day("--until", until) + dt.timedelta(days=1)


def _day(option: str, text: str) -> dt.date:
    with suppress(ValueError):
        day = dt.date.fromisoformat(text)
        if dt.date(1970, 1, 1) <= day < dt.date(2100, 1, 1):
            return day
    raise _refused(option, f"{text!r} should be a day: 2026-12-31")


def _midnight(session: Session, day: dt.date) -> int:
    from hub.config.section import local_instant

    return local_instant(day, session.configuration.organisation.zone)


def _refused(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(message, key=key)])
