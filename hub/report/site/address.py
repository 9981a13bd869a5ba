"""Where pages lie, relative to the site's root; the same thing has the same address in every publish. Pure."""

from __future__ import annotations

import hashlib
import re

__all__ = ["clause_page", "finding_page", "page_part", "requirement_page", "service_page"]

_LONGEST = 60


def clause_page(clause: str) -> str:
    """`clause/8.2.html`."""
    return f"clause/{_name(clause)}.html"


def requirement_page(requirement: str) -> str:
    """`requirement/bs15000-8.2-c.html`."""
    return f"requirement/{_name(requirement)}.html"


def service_page(service: str) -> str:
    """`service/register-services-shop-1f0c….html`, from the record's id."""
    return f"service/{_name(service)}.html"


def finding_page(key: str) -> str:
    """Name the page by the hash of the finding's key: a key may hold anything, and whom it is about."""
    return f"finding/{hashlib.sha256(key.encode()).hexdigest()[:20]}.html"


def page_part(page: str, number: int) -> str:
    """Name one part of a list in several; the first is the page itself. `-p` ends no other page's name."""
    return page if number == 1 else f"{page.removesuffix('.html')}-p{number}.html"


def _name(text: str) -> str:
    """Make a file name of an id; what it cannot keep is told apart by a hash."""
    low = text.lower()
    slug = re.sub(r"[^a-z0-9.]+", "-", low).strip("-.")[:_LONGEST]
    if slug == text.lower() and not re.search(r"-p\d+$", slug):
        return slug
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
