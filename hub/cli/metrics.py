"""What a run did, as a file for Prometheus: the hub is monitored like anything else.

The text exposition format; node_exporter's textfile collector reads `*.prom` in its folder. The file is replaced
whole or stays as it was, so that a run that dies shows by its age.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.sync.run import RunSummary

__all__ = ["Facts", "render", "write_atomically"]

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told beside the run itself; instants are UTC milliseconds."""

    succeeded_at: Mapping[str, int] = field(default_factory=dict)
    """Source -> when it was last read whole."""
    through: Mapping[str, int] = field(default_factory=dict)
    """Source -> up to where everything was read that it holds."""
    findings: Sequence[str] = ()
    """Severity of every open finding."""
    verdicts: Sequence[str] = ()
    """Verdict of every requirement for the month so far."""


SEVERITIES = ("critical", "major", "minor")
VERDICTS = (
    "met", "not_met", "pending", "at_risk", "not_provable", "waived", "attested", "not_applicable", "not_judged",
)  # fmt: skip


def render(summary: RunSummary, facts: Facts) -> str:
    """Write the metrics of a run. A source never read whole succeeded at 0, in 1970: no rule needs a case of its own."""
    sources = [one.source for one in summary.sources]
    lines = _metric("hub_last_run_timestamp_seconds", "When the last run ended.", [({}, summary.finished_at / 1000)])
    seconds = (summary.finished_at - summary.started_at) / 1000
    lines += _metric("hub_run_duration_seconds", "How long the last run took.", [({}, seconds)])
    lines += _metric(
        "hub_source_last_success_timestamp_seconds",
        "When the source was last read whole; 0 = never.",
        [({"source": one}, facts.succeeded_at.get(one, 0) / 1000) for one in sources],
    )
    lines += _metric(
        "hub_source_lag_seconds",
        "How far behind the run the source is read; without a value nothing of it was.",
        [
            ({"source": one}, max(summary.finished_at - facts.through[one], 0) / 1000)
            for one in sources
            if one in facts.through
        ],
    )
    for name, told, values in (
        ("complete", "1 = the last reading was whole.", [float(one.complete) for one in summary.sources]),
        ("duration_seconds", "How long the last reading took.", [one.seconds for one in summary.sources]),
        ("documents", "Documents read by the last run.", [one.documents for one in summary.sources]),
        ("requests", "Requests sent by the last run.", [one.requests for one in summary.sources]),
        ("faults", "Faults of the last reading.", [len(one.faults) for one in summary.sources]),
        ("warnings", "Warnings of the last reading.", [len(one.warnings) for one in summary.sources]),
    ):
        lines += _metric(
            f"hub_source_{name}", told, [({"source": one}, value) for one, value in zip(sources, values, strict=True)]
        )
    lines += _counted("hub_findings_open", "Open findings.", "severity", SEVERITIES, facts.findings)
    lines += _counted("hub_requirements", "Requirements by verdict, month so far.", "verdict", VERDICTS, facts.verdicts)
    lines += _metric("hub_obligations_written", "Obligations new or changed.", [({}, summary.obligations_written)])
    lines += _metric("hub_messages_undelivered", "Messages not handed over.", [({}, summary.undelivered)])
    return "\n".join([*lines, ""])


def write_atomically(path: Path, text: str) -> None:
    """Replace a file whole; whoever reads it sees the one before or the one after. OSError where it cannot be."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o644)  # node_exporter is another user
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _counted(name: str, told: str, label: str, known: Iterable[str], found: Iterable[str]) -> list[str]:
    counts = Counter(dict.fromkeys(known, 0))
    counts.update(found)
    return _metric(name, told, [({label: one}, count) for one, count in counts.items()])


def _metric(name: str, told: str, samples: Iterable[tuple[Labels, float]]) -> list[str]:
    lines = [f"{name}{_labels(labels)} {value:.15g}" for labels, value in samples]
    return [f"# HELP {name} {told}", f"# TYPE {name} gauge", *lines] if lines else []


def _labels(labels: Labels) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
