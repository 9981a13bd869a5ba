from __future__ import annotations

import re
from importlib import resources

import pytest

CSS = resources.files("hub.report").joinpath("templates", "site", "site.css").read_text(encoding="utf-8")
_COLOUR = r"--([\w-]+): (#[0-9a-f]{6});"
_LIGHT, _DARK = CSS.split("@media (prefers-color-scheme: dark)", 1)
LIGHT = dict(re.findall(_COLOUR, _LIGHT))
DARK = LIGHT | dict(re.findall(_COLOUR, _DARK))
FAMILIES = ("bad", "unknown", "warn", "good")
ON_SHEET = ("text", "soft", "link", "bad", "unknown", "warn", "good")
MEET = [
    *((name, ground, 4.5) for name in ("text", "soft", "link") for ground in ("page", "sheet")),
    *((name, "sheet", 4.5) for name in ON_SHEET),
    *(("on-badge", name, 4.5) for name in (*FAMILIES, "none")),
    *(("text", f"{name}-{step}", 4.5) for name in (*FAMILIES, "none") for step in range(1, 5)),
    ("focus", "page", 3.0),
    ("focus", "sheet", 3.0),
    ("curve", "sheet", 3.0),
]


def _light_of(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Ratio after WCAG 2.2, 1 to 21."""
    low, high = sorted((_light_of(one), _light_of(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_what_meets_can_be_told_apart(palette):
    poor = {(a, b): round(ratio, 2) for a, b, least in MEET if (ratio := contrast(palette[a], palette[b])) < least}
    assert poor == {}


def test_every_colour_is_a_variable_and_has_a_dark_one():
    rest = re.sub(_COLOUR, "", CSS)
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl", rest) == []
    assert set(re.findall(_COLOUR.split(": ", maxsplit=1)[0], CSS)) >= {"text"}
    assert dict(re.findall(_COLOUR, _DARK)).keys() == LIGHT.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= LIGHT.keys()
    assert round(contrast("#000000", "#ffffff")) == 21
