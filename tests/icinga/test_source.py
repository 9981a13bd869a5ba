"""Faults, rights, names: what `hub check` and a run say."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from hub.clock import FixedClock
from hub.errors import AuthenticationFailed
from hub.store.reading import coverage_rows
from hub.sync.runner import SourceJob, sync_source
from hub_icinga.perfdata import figures
from tests.icinga.kit import NOW, SHOP, VPN, configure, make, minutes, of, read, service


def say(lines) -> str:
    return "\n".join(f"{each.level}: {each.text} -> {each.advice}" for each in lines)


def test_a_missing_permission_is_named_and_closes_its_slice(icinga):
    icinga.permissions = ["status/query", {"permission": "objects/query/Host"}, "objects/query/s*", "events/*"]
    text = say(make().check())
    assert "error: permission objects/query/Comment is missing: acknowledgements and comments cannot be read" in text
    assert 'object ApiUser "hub" { permissions += [ "objects/query/Comment", "objects/query/Downtime" ] }' in text
    state, downtime = make().slices()
    assert state.unreadable == "the ApiUser hub lacks objects/query/Comment; add it to its permissions"
    assert downtime.unreadable == "the ApiUser hub lacks objects/query/Downtime; add it to its permissions"


@pytest.mark.parametrize(("apart", "told"), [(10, "10 minutes ahead of"), (-10, "10 minutes behind"), (4, None)])
def test_clocks_apart_leave_a_gap_and_facts(icinga, apart, told):
    icinga.now = NOW + apart * 60_000
    page = read(make())[2]
    assert bool(page.gaps) == bool(told)
    assert (told or "") in "".join(page.gaps)
    assert ("error: Icinga's clock is" in say(make().check())) == bool(told)
    icinga.lists["services"] = [service("http", 2)]
    assert of(read(make())[1], "Alert"), "what is there is kept; only conclusions wait"


def test_names_without_a_service_come_with_a_line_to_paste(icinga):
    settings = {"services": {}, "availability": {"web02!http": SHOP}, "measurements": []}
    text = say(make(**settings).check())
    assert 'hostgroup=shop-web stands for no service (3 objects) -> [services] "hostgroup=shop-web" = ' in text
    assert "web02!http in availability is not in Icinga, or not to be seen" in text
    heard: list[str] = []
    source = make(**settings, log=heard.append)
    _, _, page = read(source)
    icinga.now = NOW + 60_000
    _, records, _ = read(make(**settings, log=heard.append, clock=FixedClock(icinga.now)), cursor=page.cursor)
    assert [one.state for one in of(records, "AvailabilitySample")] == ["unknown"]
    assert heard == ["web02!http in availability is not in Icinga, or not to be seen: its state is unknown"]


def test_vars_are_read_only_where_settings_name_them(icinga):
    icinga.lists["services"] = [service("http", 2, vars={"team": "net", "password": "held back"})]
    documents, records, _ = read(make())
    assert b"held back" not in b"".join(each.body for each in documents)
    (alert,) = of(records, "Alert")
    assert alert.service_ids == [SHOP, VPN]
    assert "vars" in json.loads(next(each for each in icinga.asked if "services" in each.url.path).content)["attrs"]
    icinga.asked.clear()
    read(make(services={"hostgroup=shop*": SHOP}))
    assert "vars" not in json.loads(next(each for each in icinga.asked if "services" in each.url.path).content)["attrs"]


ITEM = "register:configuration_items/web"


def test_what_touches_security_is_told_by_rule(icinga):
    icinga.lists["services"] = [service("http", 2, groups=["ids"]), service("disk", 1)]
    assert [one.security for one in of(read(make())[1], "Alert")] == [True, False]
    assert [one.security for one in of(read(make(security=[]))[1], "Alert")] == [None, None]


def test_a_change_of_an_item_is_told_by_rule(icinga):
    icinga.lists["services"] = [service("http", 2, groups=["ids"]), service("disk", 1)]
    rules = {"altered": ["servicegroup=ids"], "items": {"host=web01": ITEM}}
    alerts = of(read(make(**rules))[1], "Alert")
    assert [(one.altered, one.ci_ids) for one in alerts] == [(True, [ITEM]), (False, [ITEM])]
    assert [(one.altered, one.ci_ids) for one in of(read(make())[1], "Alert")] == [(None, []), (None, [])]


def test_a_figure_is_a_measurement_of_its_check(icinga):
    (figure,) = of(read(make())[1], "Measurement")
    assert (figure.metric_id, figure.subject, figure.actual, figure.unit, figure.as_of) == (
        "disk",
        SHOP,
        41.5,
        "GB",
        NOW,
    )


@pytest.mark.parametrize(
    ("told", "read_as"),
    [
        ("load1=0.5;5;10;0", [("load1", 0.5, "")]),
        ("'C:\\ used'=12,5GB;;;0;100 'it''s'=-3%", [("C:\\ used", 12.5, "GB"), ("it's", -3.0, "%")]),
        ("time=1.2e3ms", [("time", 1200.0, "ms")]),
        ("inode=U", []),
        ({"type": "PerfdataValue", "label": "rta", "value": 0.004, "unit": "s"}, [("rta", 0.004, "s")]),
        (None, []),
    ],
)
def test_performance_data(told, read_as):
    assert list(figures([told])) == read_as


def test_a_wrong_password_ends_everything(icinga):
    import httpx

    icinga.fault = httpx.Response(401, html="<h1>Unauthorized. Please check your user credentials.</h1>")
    (line,) = make().check()
    assert line.level == "error"
    assert "does not accept the credential" in line.text
    with pytest.raises(AuthenticationFailed):
        make().slices()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "http://icinga:5665"}, "https://"),
        ({"url": "https://hub:x@icinga:5665"}, "holds a credential"),
        ({"password": None}, "user and password belong together"),
        ({"user": None, "password": None}, "are missing"),
        ({"services": {"shop": SHOP}}, "name=value"),
        ({"security": ["ids"]}, "name=value"),
        ({"client_key": "k.pem"}, "belong together"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        configure(**changes)


def test_a_long_list_is_read_by_one_question_each(icinga):
    icinga.lists["services"] = [service(f"s{n}", 2) for n in range(1200)]
    documents, _, page = read(make())
    assert (len(documents), page.requests) == (1200, 5)


def test_from_run_to_run_through_the_store(icinga, store):
    """Cursor, records and coverage as the hub keeps them: a problem ends, a closed slice says why."""
    job = SourceJob("mon", make())
    icinga.lists["services"] = [service("http", 2, since=minutes(9), ok=minutes(10))]
    assert sync_source(store, job, clock=FixedClock(NOW)).complete
    icinga.now = NOW + 600_000
    icinga.permissions = ["status/query", "objects/query/Host", "objects/query/Service", "objects/query/Comment"]
    over = service("http", 0, since=NOW + 60_000, checked=icinga.now, last_state_critical=NOW / 1000)
    icinga.lists["services"] = [over]
    job = SourceJob("mon", make(clock=FixedClock(icinga.now)))
    assert not sync_source(store, job, clock=FixedClock(icinga.now)).complete
    with store.connect() as conn:
        coverage = {row.kind: row.reason for row in coverage_rows(conn, "mon")}
        ended = conn.scalars(text("select ended_at from alert")).all()
        states = conn.scalars(text("select state from availability_sample order by at")).all()
    assert (
        coverage.pop("maintenance_window") == "the ApiUser hub lacks objects/query/Downtime; add it to its permissions"
    )
    assert set(coverage.values()) == {None}
    assert ended == [NOW + 60_000]
    assert states == ["unknown", "up"]


@pytest.mark.parametrize(
    ("state", "rules", "availability", "outage"),
    [
        (2, [], {}, None),
        (2, ["hostgroup=shop*"], {}, True),
        (1, ["hostgroup=shop*"], {}, False),
        (3, ["hostgroup=shop*"], {}, None),
        (2, ["hostgroup=other"], {}, False),
        (2, [], {"web01!http": SHOP}, True),
        (2, [], {"web01!disk": SHOP}, None),
    ],
)
def test_what_is_an_outage_is_told_by_rule(icinga, state, rules, availability, outage):
    icinga.lists["services"] = [service("http", state)]
    (alert,) = of(read(make(outage=rules, availability=availability))[1], "Alert")
    assert alert.outage is outage
