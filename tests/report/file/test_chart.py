from __future__ import annotations

import io

import msgspec
import pytest
from PIL import Image

from hub.report.file.chart import WIDTH, charts, worst_levels
from hub.report.model import Rate, ServiceLevel, TrendPoint


def level(n: int, met: int, target: int | None, kept: str = "met") -> ServiceLevel:
    return ServiceLevel(
        agreement=f"register:sla/{n}",
        title=f"Service {n}",
        metric="resolution",
        promise="P1 <= 4 h on 7x24",
        previous="98.00 %",
        now=Rate(numerator=met, denominator=100 if met else 0),
        target=target,
        kept=kept,
    )


LEVELS = [level(1, 99, 9500), level(2, 80, 9550, "not met"), level(3, 100, None, ""), level(4, 0, 9000, "")]


@pytest.fixture(scope="module")
def year(report):
    shares = (78, 80, None, 83, 81, 86, 90, 88, 91, 92, 93, 94)
    labels = ["2025-11", "2025-12", *(f"2026-{month:02d}" for month in range(1, 11))]
    points = [
        TrendPoint(label=label, rate=None if share is None else Rate(numerator=share, denominator=100))
        for label, share in zip(labels, shares, strict=True)
    ]
    return msgspec.structs.replace(report, trend=points, levels=LEVELS)


def test_both_charts_say_in_words_what_they_show(year):
    trend, levels = charts(year)
    assert "2025-12 80.00 %; 2026-01 no report; 2026-02 83.00 %" in trend.alt
    assert trend.alt.endswith("2026-10 94.00 %.")
    assert levels.alt == (
        "Attainment against target, the worst first: "
        "2 Service 2 resolution P1 <= 4 h on 7x24: 80.00 %, target 95.50 %, not met; "
        "1 Service 1 resolution P1 <= 4 h on 7x24: 99.00 %, target 95.00 %, met; "
        "3 Service 3 resolution P1 <= 4 h on 7x24: 100.00 %, no target."
    )
    assert levels.legend.startswith("2 Service 2 resolution P1 <= 4 h on 7x24; 1 Service 1")
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


def test_what_misses_its_target_is_hollow(year):
    kept = [msgspec.structs.replace(row, target=100 if row.target else None) for row in LEVELS]
    assert _blue(charts(year)[1].png) < _blue(charts(msgspec.structs.replace(year, levels=kept))[1].png)


def test_twelve_are_drawn_and_the_rest_is_counted(year):
    many = msgspec.structs.replace(year, levels=[level(n, 90 + n % 10, 9500) for n in range(30)])
    assert len(worst_levels(many)) == 12
    assert charts(many)[1].alt.endswith("18 more targets better kept.")


def test_nothing_is_drawn_of_nothing(report):
    bare = msgspec.structs.replace(report, trend=[TrendPoint(label="2026-10", rate=None)], levels=[LEVELS[3]])
    assert charts(bare) == []


def _blue(png: bytes) -> int:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return sum(number for number, (r, _g, b) in picture.getcolors(1 << 20) if b - r > 100)
