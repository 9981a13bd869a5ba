from __future__ import annotations

import io

import msgspec
import pytest
from PIL import Image

from hub.conformance.situation.fact import Level, Situation
from hub.report.file.chart import WIDTH, charts, worst_levels
from hub.report.model import Rate, TrendPoint


def level(n: int, current: str, target: str, kept: str = "met", metric: str = "resolution") -> Level:
    return Level(
        agreement=f"register:sla/{n}",
        title=f"Service {n}",
        promise=f"{metric} P1 <= 4 h on 7x24",
        previous="98.00",
        current=current,
        goal="",
        kept=kept,
        missed=0,
        lacking=0,
        critical=False,
        metric=metric,
        target=target,
    )


LEVELS = [
    level(1, "99.00", "95"),
    level(2, "80.00", "95.5", "missed"),
    level(3, "100.00", ""),
    level(4, "", "90", "no_cases"),
    level(5, "99.95", "99.955", "not_provable", "availability"),
]


def promising(report, levels):
    return msgspec.structs.replace(report, situation=Situation(levels=levels))


@pytest.fixture(scope="module")
def year(report):
    shares = (78, 80, None, 83, 81, 86, 90, 88, 91, 92, 93, 94)
    labels = ["2025-11", "2025-12", *(f"2026-{month:02d}" for month in range(1, 11))]
    points = [
        TrendPoint(label=label, rate=None if share is None else Rate(numerator=share, denominator=100))
        for label, share in zip(labels, shares, strict=True)
    ]
    return promising(msgspec.structs.replace(report, trend=points), LEVELS)


def test_both_charts_say_in_words_what_they_show(year):
    trend, levels = charts(year)
    assert "2025-12 80.00 %; 2026-01 no report; 2026-02 83.00 %" in trend.alt
    assert trend.alt.endswith("2026-10 94.00 %.")
    assert levels.alt == (
        "Attainment against target, the worst first: "
        "2 Service 2 resolution P1 <= 4 h on 7x24: 80.00 %, target 95.5 %, missed; "
        "5 Service 5 availability P1 <= 4 h on 7x24: 99.95 %, target 99.955 %, not provable; "
        "1 Service 1 resolution P1 <= 4 h on 7x24: 99.00 %, target 95 %, kept; "
        "3 Service 3 resolution P1 <= 4 h on 7x24: 100.00 %, no target, kept."
    )
    assert levels.legend.startswith("2 Service 2 resolution P1 <= 4 h on 7x24; 5 Service 5")
    assert not trend.legend, "months need no key"


def test_they_are_pictures_on_their_own_ground_small_and_always_the_same(year):
    for one, again in zip(charts(year), charts(year), strict=True):
        assert one.png == again.png
        assert len(one.png) < 60_000
        picture = Image.open(io.BytesIO(one.png)).convert("RGB")
        assert picture.size == (WIDTH, one.height)
        assert picture.getpixel((20, 20)) == (255, 255, 255)
        assert "transparency" not in Image.open(io.BytesIO(one.png)).info


def test_a_period_nobody_reported_breaks_the_line(year):
    filled = [p if p.rate else TrendPoint(label=p.label, rate=Rate(numerator=80, denominator=100)) for p in year.trend]
    assert _blue(charts(year)[0].png) < _blue(charts(msgspec.structs.replace(year, trend=filled))[0].png)


def test_what_was_missed_is_hollow_and_what_nobody_knows_is_pale(year):
    kept = [msgspec.structs.replace(row, kept="met") for row in LEVELS]
    missed = [msgspec.structs.replace(row, kept="met") if row.kept == "not_provable" else row for row in LEVELS]
    blue = [_blue(charts(promising(year, levels))[1].png) for levels in (LEVELS, missed, kept)]
    assert blue == sorted(set(blue)), "each of both takes ink away"


def test_twelve_are_drawn_and_the_rest_is_counted(year):
    many = promising(year, [level(n, f"{90 + n % 10}.00", "95") for n in range(30)])
    assert len(worst_levels(many)) == 12
    assert charts(many)[1].alt.endswith("18 more targets better kept.")


def test_nothing_is_drawn_of_nothing(report):
    bare = promising(msgspec.structs.replace(report, trend=[TrendPoint(label="2026-10", rate=None)]), [LEVELS[3]])
    assert charts(bare) == []


def _blue(png: bytes) -> int:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return sum(number for number, (r, _g, b) in picture.getcolors(1 << 20) if b - r > 100)
