"""What goes with the mail: which files, under which names, and the charts within its page. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from html import escape

from hub.report.attachment import findings_csv, manifest_json
from hub.report.file.chart import WIDTH, Chart
from hub.report.file.document import document
from hub.report.file.workbook import workbook
from hub.report.model import Identity, ReportModel

__all__ = ["chart_id", "enclosed", "media_type", "with_charts"]

_TYPES = {
    "csv": ("text", "csv"),
    "json": ("application", "json"),
    "pdf": ("application", "pdf"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_PLACE = "<!--charts-->"
_SHOWN = 600
"""Pixels of width on a desk; a telephone takes its own."""


def enclosed(
    model: ReportModel, hosts: frozenset[str], wanted: Collection[str], charts: Sequence[Chart] = ()
) -> dict[str, bytes]:
    """Write the files, name -> bytes; the manifest is the last and names the hashes of all others, `charts` included.

    Findings and manifest always go; `pdf` and `xlsx` where they are wanted.
    """
    files = {}
    if "pdf" in wanted:
        files["report.pdf"] = document(model, hosts)
    if "xlsx" in wanted:
        files["report.xlsx"] = workbook(model, hosts)
    files["findings.csv"] = findings_csv(model, hosts)
    beside = files | {chart.name: chart.png for chart in charts}
    hashes = {name: hashlib.sha256(body).hexdigest() for name, body in sorted(beside.items())}
    return files | {"evidence-manifest.json": manifest_json(model, hosts, hashes)}


def media_type(name: str) -> tuple[str, str]:
    """Return main type and subtype of a file by its ending."""
    return _TYPES[name.rpartition(".")[2]]


def chart_id(chart: Chart, identity: Identity) -> str:
    """Return the content id a page names a picture by, without brackets."""
    return f"{chart.name}@{identity.report_id.lower()}.r{identity.revision}"


def _legend(chart: Chart) -> str:
    if not chart.legend:
        return ""
    return f'<p class="small" style="margin:4px 0 8px 0;font-size:13px">{escape(chart.legend)}</p>'


def with_charts(page: str, charts: Sequence[Chart], identity: Identity) -> str:
    """Put the charts behind the counts of a mail's page: what changed comes first. Whoever shows no pictures reads them."""
    rows = "".join(
        f'<tr><td style="padding:8px 16px"><img src="cid:{escape(chart_id(chart, identity))}" width="{_SHOWN}" '
        f'height="{_SHOWN * chart.height // WIDTH}" alt="{escape(chart.alt)}" style="display:block;width:100%;'
        f'max-width:{_SHOWN}px;height:auto;border:0;background-color:#ffffff;color:#1a1a1a;font-size:13px">{_legend(chart)}</td></tr>\n'
        for chart in charts
    )
    return page.replace(_PLACE, rows, 1)
