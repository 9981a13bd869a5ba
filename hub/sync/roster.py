"""With every census: whether the accounts that unfinished work rests on are still there."""

from __future__ import annotations

from hub.clock import Clock
from hub.errors import SourceError
from hub.store.account import ACTIVE, DELETED, INACTIVE, accounts_in_charge
from hub.store.census import believed, mark_accounts
from hub.store.store import Store
from hub.sync.fetcher import describe_defect
from hub.sync.run import SourceSummary
from hub.sync.source import KnowsAccounts, Source

__all__ = ["ask_after_accounts"]


def ask_after_accounts(
    store: Store, name: str, source: Source, summary: SourceSummary, clock: Clock, *, accept: bool
) -> None:
    """Mark accounts as inactive, deleted or active again, as the tool says; what it cannot tell stays as it was.

    Only those are asked after that own, or are assigned, what is not finished: nothing rests on the others.
    Where more are gone at once than is believed nothing is marked, unless a person said so (`accept`).
    """
    if not isinstance(source, KnowsAccounts):
        return
    with store.connect() as conn:
        ids = {one.key: one.id for one in accounts_in_charge(conn, name)}
    if not ids:
        return
    try:
        roster = source.roster(sorted(ids))
    except SourceError as error:
        summary.warnings.append(f"whether accounts are still there is not known: {error}")
        return
    except Exception as error:  # noqa: BLE001 - a defect of one plugin must not stop the other sources
        summary.warnings.append(f"whether accounts are still there is not known: {describe_defect(error, 'roster')}")
        return
    summary.requests += roster.requests
    if not accept and not believed(len(roster.gone), len(ids)):
        summary.warnings.append(
            f"{len(roster.gone)} of {len(ids)} accounts in charge of open work are no longer shown, more than is believed; "
            f"see whether the account may browse users; are they gone: hub sync {name} --accept-absence"
        )
        return
    said = ((ACTIVE, roster.active), (INACTIVE, roster.inactive), (DELETED, roster.gone))
    statuses = {ids[key]: status for status, keys in said for key in keys if key in ids}
    with store.begin() as conn:
        changed = mark_accounts(conn, statuses, clock.now_ms())
    if left := changed[INACTIVE] + changed[DELETED]:
        summary.warnings.append(
            f"{left} in charge of open work are no longer active ({changed[DELETED]} of them deleted); assign it anew"
        )
