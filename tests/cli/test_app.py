"""The frame of the command line: help, faults, lists, progress."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from hub.cli.app import COMMANDS, load_command
from hub.cli.option import Format, LogFormat
from hub.cli.output import emit
from hub.cli.progress import Lines
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.errors import ConfigurationError, StoreError

PRESENT = [name for name in COMMANDS if find_spec(f"hub.cli.{name}")]
START = '[organisation]\nname = "Example"\nzone = "Europe/Berlin"\n'


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "hub.toml"
    path.write_text(START, encoding="utf-8")
    return path


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command_without_importing_it(flag):
    code = f"import sys; sys.argv = ['hub', '{flag}']; from hub.cli import main\n"
    code += "try:\n main()\nfinally:\n print('LOADED', *sorted(m for m in sys.modules if m.startswith(('hub.', 'pydantic'))))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/").stdout
    listing, loaded = shown.split("LOADED")
    assert all(f" {name} " in listing for name in PRESENT)
    assert loaded.split() == ["hub.cli", "hub.cli.app", "hub.cli.ending", "hub.cli.option", "hub.errors"]


@pytest.mark.parametrize("name", PRESENT)
def test_help_of_a_command_begins_as_listed_and_ends_with_an_example(name, run_hub):
    command = load_command(name)
    assert command.help.split("\n\n")[0].replace("\n", " ") == COMMANDS[name]
    for word in [[name], *([name, sub] for sub in getattr(command, "commands", {}))]:
        called = run_hub(*word, "-h")
        assert called.code == 0
        assert "Example" in called.out
        assert f"hub {' '.join(word)}" in called.out.split("Example", 1)[1]


def test_an_unknown_command_is_wrong_usage(run_hub):
    called = run_hub("chekc")
    assert called.code == 2
    assert "Did you mean 'check'?" in called.err


def test_expected_faults_are_one_line_each(run_hub, config):
    config.write_text(START.replace("name", "nam") + "colour = 1\n", encoding="utf-8")
    called = run_hub("check", "--config", config)
    assert called.code == 2
    assert called.out == ""
    lines = called.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"hub: {config}:") for line in lines)


def test_a_defect_keeps_its_traceback(run_hub, config, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("hub.cli.session.load_configuration", broken)
    with pytest.raises(ZeroDivisionError):
        run_hub("check", "--config", config)


def test_version_is_told(run_hub):
    assert run_hub("--version").out.startswith("hub 0.")


def test_init_writes_a_start_once(run_hub, tmp_path):
    called = run_hub("init", tmp_path / "new", "--name", "Example Ltd", "--zone", "Europe/London")
    assert called.code == 0
    assert "run: hub check --config" in called.out
    assert 'name = "Example Ltd"' in (tmp_path / "new" / "hub.toml").read_text(encoding="utf-8")
    assert stat.S_IMODE((tmp_path / "new" / "secrets").stat().st_mode) == 0o700
    assert (tmp_path / "new" / "register" / "README.md").is_file()
    before = {path: path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()}
    again = run_hub("init", tmp_path / "new")
    assert again.code == 2
    assert "exist already; nothing was written" in again.err
    assert {path: path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()} == before


def test_init_refuses_an_unknown_zone(run_hub, tmp_path):
    called = run_hub("init", tmp_path, "--zone", "Europe/Berln")
    assert called.code == 2
    assert called.err == "hub: --zone: unknown zone 'Europe/Berln'; did you mean 'Europe/Berlin'?\n"
    assert list(tmp_path.iterdir()) == []


def test_check_goes_on_and_says_what_to_do(run_hub, config, sample):
    (config.parent / "good.jsonl").write_text('{"id": 1, "title": "x"}\n', encoding="utf-8")
    config.write_text(
        START + '[sources.good]\nplugin = "sample"\nfile = "good.jsonl"\n'
        '[sources.bad]\nplugin = "sample"\nfile = "bad.jsonl"\n'
        '[channels.log]\nplugin = "sample-log"\nlog = "log"\n',
        encoding="utf-8",
    )
    called = run_hub("check", "--config", config, "--format", "json")
    assert called.code == 2
    levels = {row["subject"]: row["level"] for row in json.loads(called.out)}
    assert levels == {
        "configuration": "ok",
        "store": "warning",
        "packs": "warning",
        "source good": "ok",
        "source bad": "error",
        "channel log": "ok",
    }
    shown = run_hub("check", "--config", config)
    assert "error   source bad:" in shown.out
    assert "        correct `file` in this source's section" in shown.out
    assert not (config.parent / "hub.db").exists()


def test_without_a_pack_sources_are_read_and_the_line_that_enables_one_is_said(run_hub, config, sample):
    (config.parent / "good.jsonl").write_text('{"id": 1, "title": "x"}\n', encoding="utf-8")
    config.write_text(START + '[sources.good]\nplugin = "sample"\nfile = "good.jsonl"\n', encoding="utf-8")
    said = f"hub: packs: none is enabled, so nothing is judged; write in {config}: [packs.bs15000]\n"
    for command in ("findings", "coverage"):
        assert run_hub(command, "--config", config).err == said, "before it matters that there is no store yet"
    assert not (config.parent / "hub.db").exists()
    called = run_hub("run", "--config", config, "--format", "json")
    assert (called.code, called.err[-len(said) :]) == (2, said)
    assert json.loads(called.out)[0]["documents"] == 1
    for command in (["derive"], ["findings"], ["coverage"]):
        called = run_hub(*command, "--config", config)
        assert (called.code, called.err[-len(said) :]) == (2, said), command
    assert run_hub("sync", "--config", config).code == 0


LEFT = """
import atexit, gc, sys
from typer.testing import CliRunner
from hub.cli import main
from hub.cli.app import app
def left(call):
    gc.set_threshold(700, 10, 10)
    told = []
    atexit.register, kept = told.append, atexit.register
    try:
        call()
    except SystemExit:
        pass
    atexit.register = kept
    return [*gc.get_threshold()], gc.freeze in told
found = [left(lambda: None), left(lambda: main(["--version"])), left(lambda: CliRunner().invoke(app, ["--version"]))]
sys.argv = ["hub", "--version"]
print([*found, left(main)], file=sys.stderr)
"""


def test_only_a_process_of_the_command_s_own_collects_seldom():
    """Whoever calls the command line from a longer life, such as a test, would grow and grow."""
    called = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=True)
    plain, own = ([700, 10, 10], False), ([500_000, 10, 50], True)
    assert called.stderr.strip() == str([plain, plain, plain, own])


def test_plugins_lists_what_is_installed(run_hub, config, sample):
    config.write_text(START + 'plugins = ["sample"]\n', encoding="utf-8")
    config.write_text('plugins = ["sample"]\n' + START, encoding="utf-8")
    rows = {row["name"]: row for row in json.loads(run_hub("plugins", "--config", config, "--format", "json").out)}
    assert rows["sample"]["enabled"]
    assert rows["sample"]["channels"] == ["sample-log"]
    assert rows["email"]["enabled"]
    assert not rows["jira"]["enabled"]


def test_a_plugin_brings_commands(run_hub, config, sample, monkeypatch):
    config.write_text('plugins = ["sample"]\n' + START, encoding="utf-8")
    monkeypatch.setenv("HUB_CONFIG", str(config))
    assert " guest " in run_hub("--help").out
    assert run_hub("guest", "greet").out == "hello from outside\n"


def test_sources_are_ready_to_be_read_and_their_mapping_has_a_fingerprint(config, sample):
    config.write_text(START + '[sources.a]\nplugin = "sample"\nfile = "a.jsonl"\nfetchers = 2\n', encoding="utf-8")
    with Session(config) as session:
        (job,) = session.jobs()
        assert (job.name, job.fetchers) == ("a", 2)
        with pytest.raises(ConfigurationError, match="there is no 'b'; known: a"):
            session.jobs(["b"])
    config.write_text(config.read_text(encoding="utf-8").replace("fetchers = 2", "fetchers = 3"), encoding="utf-8")
    with Session(config) as session:
        assert session.jobs()[0].mapping_fingerprint == job.mapping_fingerprint
    config.write_text(config.read_text(encoding="utf-8").replace("a.jsonl", "b.jsonl"), encoding="utf-8")
    with Session(config) as session:
        assert session.jobs()[0].mapping_fingerprint != job.mapping_fingerprint


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (None, "2026-10-31T12:00:00Z"),
        ("2026-10-01", "2026-09-30T22:00:00Z"),
        ("2026-10-01T06:00:00Z", "2026-10-01T06:00:00Z"),
    ],
)
def test_instants_are_meant_locally(config, written, meant):
    with Session(config, clock=FixedClock(parse_instant("2026-10-31T12:00:00Z"))) as session:
        assert session.instant(written) == parse_instant(meant)


def test_an_instant_without_offset_is_refused(config):
    with Session(config) as session, pytest.raises(ConfigurationError, match="'2026-10-01T06:00:00' a time needs"):
        session.instant("2026-10-01T06:00:00")


def test_a_store_is_made_only_by_commands_that_write(config):
    with Session(config) as session, pytest.raises(StoreError):
        _ = session.store
    with Session(config, create_store=True) as session:
        assert Path(session.store.place).exists()


ROWS = [
    {"id": "=1+1", "n": -5, "open": True, "who": ["a", "b"], "note": "line\nbreak \x1b[31mred", "more": 1},
    {"id": "@x", "n": 12, "open": False, "who": [], "note": None},
]
COLUMNS = ("id", "n", "open", "who", "note")


def test_csv_cells_are_defused():
    out = io.StringIO()
    emit(ROWS, COLUMNS, Format.CSV, out)
    assert out.getvalue() == ("id,n,open,who,note\n'=1+1,-5,yes,\"a, b\",line break \ufffd[31mred\n'@x,12,no,,\n")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_each_start_of_a_formula_is_defused(start):
    out = io.StringIO()
    emit([{"a": f"{start}x"}], ["a"], Format.CSV, out)
    assert out.getvalue().splitlines()[1] == f"'{start if start.isprintable() else ' '}x"


def test_json_has_exactly_the_columns():
    out = io.StringIO()
    emit(ROWS, COLUMNS, Format.JSON, out)
    assert json.loads(out.getvalue())[0] == {column: ROWS[0][column] for column in COLUMNS}


def test_a_piped_table_has_one_line_a_row_and_no_control_characters():
    out = io.StringIO()
    emit([{**ROWS[0], "id": "x" * 300}, ROWS[1]], COLUMNS, Format.TABLE, out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert "\x1b" not in out.getvalue()
    assert "line break" in lines[1]


def test_lines_for_people_and_for_machines():
    clock = FixedClock(parse_instant("2026-10-01T06:00:00Z"))
    told = {}
    for log_format in LogFormat:
        out = io.StringIO()
        with Lines(clock, log_format=log_format, stream=out) as progress:
            progress.begin("desk", total=3)
            progress.advance("desk", 2)
            progress.say("slow \x1b[0m", source="desk")
            progress.end("desk", "2 documents")
        told[log_format] = out.getvalue()
    assert told[LogFormat.TEXT] == "slow \N{REPLACEMENT CHARACTER}[0m\ndesk: 2 documents\n"
    lines = [json.loads(line) for line in told[LogFormat.JSON].splitlines()]
    assert [line["message"] for line in lines] == ["begin", "slow \x1b[0m", "desk: 2 documents"]
    assert lines[2] == {"at": "2026-10-01T06:00:00Z", "message": "desk: 2 documents", "task": "desk", "steps": 2}
