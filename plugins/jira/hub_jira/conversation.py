"""From comments to events, the first response and what the customer was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import KINDS, CustomerUpdate, Event
from hub_jira.draft import instant_or_none
from hub_jira.people import account_key
from hub_jira.value import as_dict, as_list, native_id

if TYPE_CHECKING:
    from hub_jira.draft import Draft

__all__ = ["follow_comments"]

SERVICE_DESK = "service_desk"
"""Type of the projects whose comments Jira shows to customers; elsewhere it calls every comment public."""
TOLD = ("first_response_at", "customer_updates")


def follow_comments(draft: Draft) -> None:
    """Read the comments an issue carries.

    Visible to the customer is what Jira Service Management says is public. The first public message of
    a person other than the reporter is the first response; later ones inform the customer, as every one
    does where nobody waits for an answer (a change). Comments missing from the document, or without a
    word on visibility, leave these fields unknown.
    """
    block = as_dict(draft.fields.get("comment"))
    comments = as_list(block.get("comments"))
    total = block.get("total")
    if "comments" not in block or (isinstance(total, int) and total > len(comments)):
        draft.unknown |= {name for name in TOLD if draft.takes(name)}
    desk = as_dict(draft.fields.get("project")).get("projectTypeKey", SERVICE_DESK) == SERVICE_DESK
    reporter = account_key(as_dict(draft.fields.get("reporter")))
    awaited = "first_response_at" in KINDS[draft.kind].__struct_fields__
    told: list[tuple[int, str]] = []
    replies: list[int] = []
    rows: list[tuple[int, str, dict[str, Any]]] = []
    for raw in comments:
        comment = as_dict(raw)
        at = instant_or_none(comment.get("created"))
        if at is None:
            draft.unknown |= {"events", *(name for name in TOLD if draft.takes(name))}
            draft.skip("comment without a readable time")
            continue
        rows.append((at, native_id(comment.get("id")) or "", comment))
    for at, ref, comment in sorted(rows, key=lambda each: each[:2]):
        author = as_dict(comment.get("author"))
        actor = draft.accounts.ref(author)
        shown = _visible(comment) if desk else None
        key = account_key(author)
        ours = key != reporter and author.get("accountType") != "customer"
        if shown is None and ours:
            draft.unknown |= {name for name in TOLD if draft.takes(name)}
        kind = "updated"
        if shown and ours and not draft.accounts.automatic(author) and key is not None:
            kind = "responded" if awaited and not told else "customer_informed"
            told.append((at, ref))
        elif shown and not ours:
            replies.append(at)
        draft.events.append(
            Event(
                at=at,
                type=kind,
                actor=actor,
                field="comment",
                visible_to_customer=bool(shown),
                source_ref=f"comment/{ref}" if ref else None,
            )
        )
    _conclude(draft, told, replies)


def _conclude(draft: Draft, told: list[tuple[int, str]], replies: list[int]) -> None:
    if told and draft.takes("first_response_at") and "first_response_at" not in draft.unknown:
        draft.values["first_response_at"], ref = told[0]
        draft.values["first_response_ref"] = f"comment/{ref}"
    if told and "customer_updates" not in draft.unknown:
        draft.offer("customer_updates", [CustomerUpdate(at=at, ref=f"comment/{ref}") for at, ref in told])
    for pause in draft.values.get("pauses") or []:
        if pause.reason == "pending_customer":
            end = pause.to if pause.to is not None else float("inf")
            asked = [at for at, _ in told if at <= pause.from_]
            pause.customer_asked_at = asked[-1] if asked else None
            pause.customer_replied_at = next((at for at in replies if pause.from_ <= at <= end), None)


def _visible(comment: dict[str, Any]) -> bool | None:
    """Whether the customer sees a comment; None = Jira does not say."""
    public = comment.get("jsdPublic")
    if isinstance(public, bool):
        return public
    for raw in as_list(comment.get("properties")):
        entry = as_dict(raw)
        if entry.get("key") == "sd.public.comment":
            return as_dict(entry.get("value")).get("internal") is False
    return None
