"""Two people stand behind everything that is destroyed: who does it, and another who allows it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from hub.errors import ConfigurationError, Fault
from hub.store.disposal import Authority
from hub.store.schema import kind_tables
from hub.store.tables import record

__all__ = ["Decider", "authorise", "decider", "login_name", "operator_of", "require_person"]


class Decider(NamedTuple):
    """In whose name something is decided by command."""

    person: str
    proven: bool
    """The login is tied to that person; else the name was only typed."""


def login_name() -> str:
    """Return the name of the user this process runs as; the environment, which anybody may set, is not asked."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def operator_of(operators: Mapping[str, str]) -> str:
    """Return the id of the person the configuration ties to the login this runs under; ConfigurationError says how to."""
    login = login_name()
    operator = operators.get(login)
    if operator is None:
        message = f'the login \'{login}\' is nobody in it; add: "{login}" = "register:people/…"'
        raise _refused("retention.operators", message)
    return operator


def decider(conn: Connection, operators: Mapping[str, str], person: str | None, *, login: str) -> Decider:
    """Return in whose name a login decides; ConfigurationError where it may not in that of `person`.

    Where the configuration ties any login to a person, every login decides in the name of its own person alone;
    where it ties none, the name is whatever person of the register was typed.
    """
    if not operators:
        if person is None:
            raise _refused("--as", "say who decides, or tie this login to a person: [retention] operators")
        require_person(conn, person)
        return Decider(person, proven=False)
    operator = operators.get(login)
    if operator is None:
        message = f'the login \'{login}\' is nobody in it, so it decides nothing; add: "{login}" = "register:people/…"'
        raise _refused("retention.operators", message)
    own = _human(conn, operator)
    if own is None:
        raise _refused("retention.operators", f"{operator} is no person of the register; sync it first")
    if person is not None and _human(conn, person) != own:
        raise _refused("--as", f"the login '{login}' is {operator}, and decides in no other name than that")
    return Decider(person or operator, proven=True)


def require_person(conn: Connection, person: str) -> None:
    """Raise ConfigurationError where `--as` names nobody: a slip of the pen would stay on record for good."""
    if _human(conn, person) is None:
        raise _refused("--as", f"{person} is no person of the register, or no longer one; `hub sync` reads it anew")


def authorise(
    conn: Connection, *, operators: Mapping[str, str], approver: str, role: str, reason: str, at: int
) -> Authority:
    """Check who runs this and who is said to allow it; ConfigurationError says what is wrong.

    The operator is the person the configuration ties to the login. The approver is another human, known
    in the register, who holds `role` at `at`.
    """
    login = login_name()
    if not reason.strip():
        raise _refused("--reason", "is empty; say why")
    operator = operator_of(operators)
    doer, allower = _human(conn, operator), _human(conn, approver)
    if doer is None:
        raise _refused("retention.operators", f"{operator} is no person of the register; sync it first")
    if allower is None:
        raise _refused("--approver", f"{approver} is no person of the register, or no longer one")
    if doer == allower:
        raise _refused("--approver", f"{approver} is who runs this; somebody else must approve it")
    if not _holds(conn, allower, role, at):
        raise _refused("--approver", f"{approver} does not hold the role '{role}' now; see roles in the register")
    return Authority(login, doer, allower, reason.strip())


def _refused(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(message, key=key)])


def _human(conn: Connection, person_id: str) -> int | None:
    """Return the record.sid of the human an id stands for: its own, or behind a login."""
    human, person = record.alias(), kind_tables["person"].c
    asked = (
        select(human.c.sid)
        .join(record, record.c.canonical == human.c.sid)
        .join(kind_tables["person"], person.sid == human.c.sid)
        .where(record.c.id == person_id, record.c.kind == "person", person.account.is_not(True))
        .where(person.vanished_at.is_(None), person.invisible_at.is_(None))
    )
    return conn.execute(asked).scalar()


def _holds(conn: Connection, human: int, role: str, at: int) -> bool:
    duty = kind_tables["role_assignment"].c
    asked = (
        select(duty.sid)
        .join(record, record.c.sid == duty.person)
        .where(record.c.canonical == human, duty.role == role, duty.vanished_at.is_(None))
        .where(or_(duty.from_.is_(None), duty.from_ <= at), or_(duty.to.is_(None), duty.to > at))
    )
    return conn.execute(asked.limit(1)).first() is not None
