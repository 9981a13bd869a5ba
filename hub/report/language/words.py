"""Says the phrases of a report in the reader's language.

A phrase is known by its English text, with names in braces for what is filled in. Every other language is one table
from these texts to its own; a phrase a table lacks is an error that tests find, never a sentence in two languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from hub.clock import FIRST_MS, LAST_MS
from hub.report.language.chinese import CHINESE
from hub.report.language.chinese_file import CHINESE_FILE
from hub.report.language.chinese_page import CHINESE_PAGE

__all__ = ["ENGLISH", "Days", "Language", "Words", "words_of"]

Language = Literal["en", "zh"]
_TABLES: Mapping[Language, Mapping[str, str] | None] = {"en": None, "zh": CHINESE_PAGE | CHINESE_FILE | CHINESE}
_LOCALES: Mapping[Language, str] = {"en": "en_GB", "zh": "zh_Hans_CN"}
_DAY_MS = 86_400_000


class Words:
    """The phrases of one language."""

    NO_CASES = "no cases"
    """A share of nothing, as reports hold it as text."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self.locale = Locale.parse(_LOCALES[language])
        self._table = _TABLES[language]

    @property
    def tag(self) -> str:
        """The language as documents name it (BCP 47)."""
        return "zh-Hans" if self.language == "zh" else "en"

    def __call__(self, phrase: str, **values: object) -> str:
        """Say a phrase with its values; whole numbers are written as the language does.

        Raises KeyError for a phrase the language's table lacks.
        """
        text = phrase if self._table is None else self._table[phrase]
        return text.format(**{name: self._shown(value) for name, value in values.items()}) if values else text

    def knows(self, phrase: str) -> bool:
        """Say whether the language has a phrase of its own for a text; English has it as it is."""
        return self._table is not None and phrase in self._table

    def count(self, number: int, one: str, many: str = "") -> str:
        """`1 finding`, `2 findings`; in Chinese with the word's own measure."""
        if self._table is not None:
            return f"{self.number(number)} {self._table[one]}"
        return f"{self.number(number)} {one if number == 1 else many or one + 's'}"

    def number(self, number: int | Decimal) -> str:
        """Write a number with the language's separators, all its decimals kept."""
        places = max(0, -int(Decimal(number).as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return format_decimal(number, pattern, locale=self.locale)

    def percent(self, part: int, whole: int) -> str:
        """Write a share with two decimals, rounded down; `no cases` of nothing."""
        if not whole:
            return self(self.NO_CASES)
        return self("{share} %", share=Decimal(part * 10_000 // whole).scaleb(-2))

    def list(self, items: list[str]) -> str:
        """Write items one after the other."""
        return ("、" if self.language == "zh" else ", ").join(items)

    def _shown(self, value: object) -> object:
        return self.number(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


@cache
def words_of(language: Language) -> Words:
    """Return the words of a language."""
    return Words(language)


ENGLISH = words_of("en")


class Days:
    """Prints instants in the organisation's zone, as readers of a language write dates."""

    def __init__(self, zone: str, words: Words = ENGLISH) -> None:
        self._zone, self._words = ZoneInfo(zone), words

    def day(self, instant: int | None) -> str:
        """Write the local date, `12 Oct 2026`; empty for None."""
        return "" if instant is None else self._date(self._local(instant).date())

    def iso(self, instant: int) -> str:
        """Write the local date for programs, `2026-10-12`."""
        return self._local(instant).date().isoformat()

    def minute(self, instant: int | None) -> str:
        """Write local date and time with the zone's name, `3 Nov 2026, 09:00 CET`; empty for None."""
        if instant is None:
            return ""
        moment = self._local(instant)
        return f"{self._date(moment.date())}, {self._time(moment)} {moment:%Z}"

    def both(self, instant: int) -> str:
        """Write local time with UTC beside it."""
        moment = datetime.fromtimestamp(_shown(instant) // 1000, tz=UTC)
        return f"{self.minute(instant)} ({self._date(moment.date())}, {self._time(moment)} UTC)"

    def _date(self, day: date) -> str:
        return format_date(day, "medium", locale=self._words.locale)

    def _time(self, moment: datetime) -> str:
        return format_time(moment.time(), "HH:mm", locale=self._words.locale)

    def _local(self, instant: int) -> datetime:
        return datetime.fromtimestamp(_shown(instant) // 1000, tz=UTC).astimezone(self._zone)


def _shown(instant: int) -> int:
    """Keep a day away from the calendar's edges, where other zones would leave it."""
    return min(max(instant, FIRST_MS + _DAY_MS), LAST_MS - _DAY_MS)
