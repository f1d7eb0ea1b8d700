"""What this machine has and reaches, as a person reporting a fault would send it."""

import json
import sys
from importlib import metadata

import pytest

from emotion_hpo.cli.app import main


def doctor(monkeypatch, capsys, tmp_path, *overrides):
    """Its exit status, the text of each name, and what it says on the error stream."""
    output = tmp_path / "doctor.json"
    directory = f"study.directory={tmp_path / 'studies'}"
    arguments = ["emotion-hpo", "doctor", directory, f"output={output}", *overrides]
    monkeypatch.setattr(sys, "argv", arguments)
    status = 0
    try:
        main()
    except SystemExit as end:
        status = int(end.code or 0)
    printed = capsys.readouterr()
    findings = {row["name"]: row for row in json.loads(output.read_text())}
    assert len(printed.out.splitlines()) == len(findings), "a line each"
    return status, findings, printed.err


def test_a_machine_that_can_do_all_is_told_in_lines(monkeypatch, capsys, tmp_path):
    status, findings, err = doctor(monkeypatch, capsys, tmp_path)
    assert (status, err) == (0, "")
    assert findings["emotion_hpo"]["text"] == metadata.version("emotion-hpo")
    assert f"torch {metadata.version('torch')}" in findings["packages"]["text"]
    assert f"ray {metadata.version('ray')}" == findings["extra ray"]["text"]
    assert str(tmp_path / "studies") in findings["studies"]["text"]
    assert not (tmp_path / "studies").exists(), "it looks and makes nothing"


def test_an_extra_that_is_not_there_is_told_with_how_to_install_it(monkeypatch, capsys, tmp_path):
    real = metadata.version

    def version(name):
        if name == "submitit":
            raise metadata.PackageNotFoundError
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    status, findings, _ = doctor(monkeypatch, capsys, tmp_path)
    assert status == 0
    text = "without submitit: pip install 'emotion_hpo[slurm]'"
    assert findings["extra slurm"]["text"] == text


@pytest.mark.parametrize(
    ("override", "name", "text"),
    [
        ("storage=postgresql", "storage", "EMOTION_HPO_STORAGE_URL is empty"),
        ("tracking.uri=http://127.0.0.1:9", "tracking", "http://127.0.0.1:9 cannot be used"),
    ],
)
def test_what_does_not_answer_is_told_last(monkeypatch, capsys, tmp_path, override, name, text):
    monkeypatch.delenv("EMOTION_HPO_STORAGE_URL", raising=False)
    status, findings, err = doctor(monkeypatch, capsys, tmp_path, override)
    assert status == 2
    assert [row["name"] for row in findings.values() if not row["is_well"]] == [name]
    assert text in findings[name]["text"]
    assert err.strip().splitlines()[-1].startswith(f"emotion-hpo doctor: {name}: not usable")


def test_a_folder_that_cannot_be_written_is_told(monkeypatch, capsys, tmp_path):
    (tmp_path / "studies").write_text("a file stands there")
    status, findings, _ = doctor(monkeypatch, capsys, tmp_path)
    assert status == 2
    assert "cannot be written" in findings["studies"]["text"]
