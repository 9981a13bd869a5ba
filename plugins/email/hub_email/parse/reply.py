"""What somebody wrote in an answer, without what they answer to.

Mail programs mark quoted text in as many ways as there are programs and languages. Lines are read
one by one; the first that begins somebody else's mail ends the answer, and marked quotes are left out. The first line
is what decisions rest on, so that a doubtful line counts as quoted.
"""

# ruff: noqa: RUF001 - letters and signs of other languages are meant

from __future__ import annotations

import re

__all__ = ["first_line", "own_line", "trim"]

_LONGEST_LINE = 1_000
_MOST_LINES = 2_000
_QUOTE = re.compile(r"^\s*[>|\uFF1E]")
_ATTRIBUTION_END = re.compile(
    r"(wrote|writes|schrieb|skrev|a écrit|écrit|ha scritto|scrisse|escribi[óo]|escreveu|schreef|het volgende geschreven"
    r"|geschreven|napisał(\(a\))?|napisa[łl]a?|pisze|пишет|написал(а)?|пише|написав|写道|的邮件|寫道|kirjoitti|rašė|yazdı|wrote to|said)"
    r"\s*[^\w]{0,4}$|\b(schrieb|schreef|skrev|wrote|skrifaði)\s+\S.{0,80}:$",
    re.IGNORECASE,
)
_ATTRIBUTION_START = re.compile(
    r"^\W{0,3}(On|At|Am|Le|Il|El|Em|Op|Den|På|W dniu|Dnia|On\s+\w{3},|В|Am\s+\d|Em\s+\w+|Il giorno|El\s+\w+|Den\s+\w+"
    r"|\d{4}[-/年.]\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}\s+\w+\s+\d{4}|20\d\d|(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,|在|от|пт|пн|вт|ср|чт|сб|вс)\b",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"[^\s@<\[(]{1,64}@[^\s@>\])]{3,255}")
_RULE = re.compile(r"^[\W_]*$")
_SEPARATOR = re.compile(r"^\s*([-_=*#~+]\s?){3,}\s*$")
_ORIGINAL = re.compile(
    r"^\s*[-_*>\s]{0,40}\s*(original message|reply message|original appointment|ursprüngliche nachricht|original-nachricht|weitergeleitete nachricht"
    r"|forwarded message|forwarded by|begin forwarded message|message d'origine|message original|message transféré"
    r"|messaggio originale|messaggio inoltrato|mensaje original|mensaje reenviado|mensagem original|mensagem encaminhada"
    r"|oorspronkelijk bericht|doorgestuurd bericht|ursprungligt meddelande|originalmeddelande|opprinnelig melding"
    r"|videresendt melding|oryginalna wiadomość|wiadomość oryginalna|исходное сообщение|пересланное сообщение|пересылаемое сообщение"
    r"|原始邮件|转发邮件|轉寄|reply above this line)\s*:?\s*[-_*>\s]{0,40}$",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^\W{0,4}(from|von|de|da|van|från|fra|od|от|від|发件人|寄件者"
    r"|sent|gesendet|envoyé|inviato|enviado( el)?|verzonden|skickat|sendt|wysłano|отправлено|надіслано|发送时间|寄件日期|date|datum|data|fecha|dato|дата"
    r"|to|an|à|pour|a|para|aan|till|til|do|кому|收件人|收件者|cc|kopie|copie|copia|копия"
    r"|subject|betreff|betr|objet|oggetto|asunto|assunto|onderwerp|ämne|emne|temat|тема|主题|主旨|reply-to|antwort an|répondre à)"
    r"\W{0,3}:\W{0,3}(\s|$)",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"^\W{0,4}(sent (from|via|with|by)\b.{0,120}|envoyé (depuis|de) .{0,80}|von meinem .{0,60} gesendet|gesendet (von|mit) .{0,60}"
    r"|diese nachricht wurde von .{0,80}gesendet|enviado desde .{0,60}|enviado do .{0,60}|inviato da .{0,60}|verzonden (vanaf|met) .{0,60}"
    r"|skickat från .{0,60}|sendt fra .{0,60}|wysłan[eo] z .{0,60}|отправлено с .{0,60}|надіслано з .{0,60}|from my .{0,60}|get outlook for .{0,60}"
    r"|von .{0,40} gesendet|从我的 .{0,40}|從我的 .{0,40}|someone from mobile)\W{0,4}$",
    re.IGNORECASE,
)
_TRACKING = " \t\u00a0\u1427\u200b"
"""Blanks, and what a mail program hides in a line of its own."""
_BARE = re.compile(
    r"^\d{4}([-/])\d{1,2}\1\d{1,2}\s+(\d{1,2}:\d{2}\s+GMT[+-]\d\d:\d\d\s+\S.*|\S.*<[^<>\s]+@[^<>\s]+>:?)$"
)
_DASHES = re.compile(r"^\s*(--|—|__|\*\*)\s*$")


def trim(text: str) -> str:
    """Return what the writer added, without attribution lines, forwarded mails and signatures.

    Quotes between what the writer says stay, those behind it go. A mail that holds nothing but somebody else's
    text comes back as that text: see `own_line` where it matters whose words they are.
    """
    kept, _ = _read(text)
    return "\n".join(kept).strip()


def first_line(text: str) -> str:
    """Return the first line that is not marked as a quote; empty where there is none."""
    return next((line.strip() for line in trim(text).split("\n") if line.strip() and not _QUOTE.match(line)), "")


def own_line(text: str) -> str:
    """Return the first line, if nothing stands before it that may introduce somebody else's words; else nothing.

    For decisions: below `On Monday Bob wrote:` or a forwarded header even a line without a mark may be Bob's.
    """
    kept, introduced = _read(text)
    if introduced:
        return ""
    return next((line.strip() for line in kept if line.strip() and not _QUOTE.match(line)), "")


def _read(text: str) -> tuple[list[str], bool]:
    """Return the lines kept, and whether the text begins with what introduces somebody else's."""
    lines = [line.rstrip()[:_LONGEST_LINE] for line in text.split("\n")[:_MOST_LINES]]
    kept: list[str] = []
    introduced = said = False
    place = 0
    while place < len(lines):
        line = lines[place]
        if not line.strip() or _QUOTE.match(line):
            kept.append(line)
            place += 1
            continue
        if _ends(lines, place):
            if said or not (head := _head(lines, place)):
                break
            introduced, kept, place = True, [], place + head
            continue
        if skip := _attribution(lines, place):
            if said and not _more_of_ours(lines, place + skip):
                break
            introduced = introduced or not said
            place += skip
            continue
        kept.append(line)
        said = True
        place += 1
    while kept and (not kept[-1].strip(_TRACKING) or _SEPARATOR.match(kept[-1]) or (said and _QUOTE.match(kept[-1]))):
        kept.pop()
    return kept, introduced


def _head(lines: list[str], place: int) -> int:
    """Return over how many lines the header of a forwarded mail goes that begins here; 0 = it is none."""
    start = place
    place += not _HEADER.match(lines[place])
    headed = 0
    while place < len(lines) and (headed == 0 or lines[place].strip()):
        headed += bool(_HEADER.match(lines[place]))
        if lines[place].strip() and not headed:
            return 0
        place += 1
    return place - start if headed >= 2 else 0  # noqa: PLR2004 - as in _ends


def _ends(lines: list[str], place: int) -> bool:
    """Say whether somebody else's mail, or the signature, begins at this line."""
    line = lines[place]
    if not line.strip():
        return False
    if _DASHES.match(line) or _ORIGINAL.match(line) or _SIGNATURE.match(line):
        return True
    headed, separated = _HEADER.match(line), _SEPARATOR.match(line)
    if not headed and not separated:
        return False
    following = [other for other in lines[place : place + 14] if other.strip()][:5]
    if headed and sum(1 for other in following[:4] if _HEADER.match(other)) > 1:  # one line may be an answer's own
        return True
    after = following[1:3]
    return bool(separated) and (not after or any(_HEADER.match(other) or _ORIGINAL.match(other) for other in after))


def _attribution(lines: list[str], place: int) -> int:
    """Return over how many lines `On …, somebody wrote:` goes that begins here; 0 = none does."""
    if not lines[place].strip():
        return 0
    first, together = lines[place], ""
    if _BARE.match(first):
        return 1
    begins = bool(_ATTRIBUTION_START.match(first) or _ADDRESSED.search(first))
    for count in range(1, 5):
        if place + count > len(lines):
            return 0
        line = lines[place + count - 1].strip()
        if count > 1 and not (line and begins):
            return 0
        together = f"{together} {line}".strip()
        closes = together.endswith((":", "：", ">", "---")) or bool(_ATTRIBUTION_END.search(together))
        named = _ATTRIBUTION_END.search(together) and (
            _ATTRIBUTION_START.match(together) or _ADDRESSED.search(together)
        )
        dated = _ADDRESSED.search(together) and _ATTRIBUTION_START.match(together) and re.search(r"\d", together)
        if closes and (named or (dated and together.endswith((":", "：")))):
            return count
    return 0


def _more_of_ours(lines: list[str], place: int) -> bool:
    """Say whether, behind the quote that begins here, the writer goes on."""
    quoted = False
    for line in lines[place:]:
        if not line.strip():
            continue
        if _QUOTE.match(line):
            quoted = True
            continue
        return quoted
    return False
