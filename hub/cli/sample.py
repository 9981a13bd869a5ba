"""`hub sample`: a random sample of obligations with everything it takes to check them, drawn again at any time."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.judging import catalogue, judged, shown_obligation
from hub.cli.option import (
    CONFIG,
    AsOfOption,
    ConfigOption,
    Format,
    FormatOption,
    KnownAtOption,
    LogFormat,
    LogFormatOption,
    examples,
)
from hub.cli.output import emit
from hub.cli.session import Session
from hub.conformance.answer import VERDICTS
from hub.conformance.exhibit import exhibits_of
from hub.conformance.judge import Judgement
from hub.conformance.pack import CatalogueEntry
from hub.conformance.parameter import chosen_over
from hub.conformance.sample import Question, Sample, draw
from hub.errors import ConfigurationError, Fault
from hub.report.sample import make_sheet
from hub.report.sample_folder import new_folder, write_sample
from hub.report.sample_proof import prove_folder
from hub.store.access import read_documents
from hub.store.authority import login_name, require_person

__all__ = ["register"]

_SHOWN = ("number", "part", "unit", "due_at", "met_at", "verdict", "reason")
_TOLD = (
    *("number", "rank", "requirement", "part", "unit", "anchor", "opened_at", "due_at", "met_at", "verdict", "reason"),
    "evidence",
)
_WRITTEN = ("folder", "items", "drawn_from", "population", "baseline", "documents", "disposed", "manifest_sha256")
_PROVEN = ("result", "place", "fault", "files", "documents", "disposed", "items", "manifest_sha256")


def register(app: typer.Typer) -> None:
    """Add the command."""
    lines = (
        "hub sample BS15000-8.2-c -n 25 --seed 7",
        'hub sample BS15000-8.2-c -n 25 --seed 7 --out sample-8.2-c --reason "audit 2026, sample 14"',
        "hub sample --verify sample-8.2-c",
    )
    app.command(epilog=examples(*lines))(sample)


def sample(
    requirement: Annotated[str | None, typer.Argument(help="Requirement id.")] = None,
    *,
    size: Annotated[int, typer.Option("-n", help="How many obligations; all where there are fewer.")] = 25,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Any number; who checks us should choose it. Compulsory.")
    ] = None,
    verdict: Annotated[
        list[str] | None, typer.Option("--verdict", help=f"Draw from these only: {', '.join(VERDICTS)}.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write sample, raw documents and manifest into a new folder."),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", help="Why raw documents are read; stays on record. Compulsory with --out."
        ),
    ] = None,
    acting_as: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="For whom they are read, beside the login.")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="FOLDER", help="Prove a folder by itself; nothing else is read."),
    ] = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Draw a random sample of what a requirement's units owed, met or not; the same seed draws the same again.

    Obligations decided before the organisation began to be judged are counted apart and not drawn.
    Without --out the sample is listed. With --verify: exit code 2 where anything in the folder is not as
    it was written.
    """
    if verify is not None:
        _verify(verify, output)
        return
    if requirement is None or seed is None:
        raise ConfigurationError(
            [Fault("name a requirement and a --seed: the same number draws the same sample", key="REQUIREMENT")]
        )
    if out is not None and not (reason or "").strip():
        raise ConfigurationError([Fault("say why the raw documents are read; it stays on record", key="--reason")])
    asked = Question(requirement=requirement, size=size, seed=seed, verdicts=frozenset(verdict or ()))
    with Session(config, log_format=log_format) as session:
        with judged(session, as_of, known_at) as judgement:
            if acting_as is not None:
                require_person(judgement.conn, acting_as)
            entry = _entry(session, judgement, requirement)
            drawn = draw(judgement, asked)
            exhibits = exhibits_of(judgement.conn, drawn)
        if out is None:
            emit(_rows(drawn, output), _SHOWN if output is Format.TABLE else _TOLD, output)
            return
        sheet = make_sheet(
            drawn,
            entry,
            exhibits,
            hub=metadata.version("itsm-hub"),
            packs=[f"{name} {session.registry.packs()[name].version}" for name in sorted(session.configuration.packs)],
            judge_from=session.configuration.organisation.judge_from,
            parameters=_parameters(session, entry),
        )
        with new_folder(out):
            read = read_documents(
                session.store,
                list(exhibits.places),
                login=login_name(),
                reason=reason or "",
                at=session.clock.now_ms(),
                acting_as=acting_as,
            )
            manifest, digest = write_sample(out, sheet, read, exhibits)
    written = {
        "folder": str(out),
        "items": len(sheet.items),
        "drawn_from": sheet.drawn_from,
        "population": sheet.population.size,
        "baseline": sheet.baseline.size,
        "documents": len(manifest.documents),
        "disposed": sum(one.file is None for one in manifest.documents),
        "manifest_sha256": digest,
    }
    emit([written], _WRITTEN, output)


def _entry(session: Session, judgement: Judgement, requirement: str) -> CatalogueEntry:
    entry = next((one for one in catalogue(session) if one.id == requirement), None)
    message = "no enabled pack has this requirement; see: hub coverage --requirements"
    if entry is not None:
        if any(one.id == requirement for one in judgement.requirements):
            return entry
        message = "no part of an enabled pack judges it, so there is nothing to draw from"
    raise ConfigurationError([Fault(message, key=requirement)])


def _parameters(session: Session, entry: CatalogueEntry) -> dict[str, object]:
    chosen = [pack.parameters.get(entry.id, {}) for pack in session.configuration.packs.values()]
    return chosen_over(entry.parameters, {name: value for one in chosen for name, value in one.items()})


def _rows(drawn: Sample, output: Format) -> list[dict[str, object]]:
    return [
        {
            **shown_obligation(one.obligation, by_key=output is Format.TABLE),
            "number": number,
            "rank": one.rank,
            "anchor": one.anchor,
        }
        for number, one in enumerate(drawn.chosen, 1)
    ]


def _verify(folder: Path, output: Format) -> None:
    proof = prove_folder(folder)
    looked = {"manifest_sha256": proof.manifest_sha256, "files": proof.files}
    looked |= {"documents": proof.documents, "disposed": proof.disposed, "items": proof.items}
    rows = [{**looked, "result": "broken", "place": place, "fault": fault} for place, fault in proof.faults]
    emit(rows or [{**looked, "result": "ok", "place": str(folder), "fault": ""}], _PROVEN, output)
    if proof.faults:
        raise typer.Exit(2)
