"""The sections of the conformance mail, in their order."""

from __future__ import annotations

from hub.report.language.words import Days, Words
from hub.report.model import Attachment, ReportModel
from hub.report.section import conformance, frame, service
from hub.report.section.block import Section
from hub.report.section.telling import Telling
from hub.report.view import View

__all__ = ["sections"]


def sections(model: ReportModel, view: View, attachments: list[Attachment], words: Words) -> list[Section]:
    """Tell everything below the verdict: first what changed, then fourteen sections that are never left out. An urgent mail has four."""
    t = Telling(model, view, words, Days(model.identity.zone, words))
    if model.urgent:  # between two mails: what is new, which report it is, what to do, what was not read
        return [frame.changed(t), frame.identity(t), conformance.to_do(t), frame.coverage(t)]
    return [
        frame.changed(t),
        frame.identity(t),
        conformance.counts(t),
        conformance.to_do(t),
        conformance.nonconformities(t),
        service.levels(t),
        conformance.coming(t),
        service.opinion(t),
        service.control(t),
        service.follow_up(t),
        service.process(t),
        frame.coverage(t),
        conformance.waivers(t),
        conformance.clauses(t),
        frame.ending(t, attachments),
    ]
