"""The pages of docs/: built without a warning, the configuration's as the models have it."""

import runpy
import subprocess
import sys

import pytest

from emotion_hpo.config import SearchConfig, dump, flatten
from tests.making import ROOT
from tests.pipeline import compose_config

WRITER = runpy.run_path(str(ROOT / "docs" / "write_configuration.py"))
RECORDS = runpy.run_path(str(ROOT / "docs" / "write_records.py"))
PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")


def test_the_configuration_is_written_as_it_is():
    assert WRITER["page"]() == PAGE, "run `make docs`"


def test_the_records_are_written_as_they_are():
    page = (ROOT / "docs" / "records.md").read_text("utf-8")
    assert RECORDS["page"]() == page, "run `make docs`"


def test_every_field_of_every_record_has_a_meaning():
    for _, kinds in RECORDS["FILES"]:
        parts = [part for kind in kinds for part in RECORDS["_parts"](kind, set())]
        for kind in [*kinds, *parts]:
            for name, _, meaning in RECORDS["_fields"](kind):
                assert meaning, f"{kind.__name__}.{name}"


@pytest.mark.parametrize(
    "overrides",
    [(), ("study=paper",), ("model=sobczak/spectrogram_cnn",), ("sampler=gp", "pruner=median")],
)
def test_every_key_of_a_composed_configuration_stands_there(overrides):
    plain = dump(compose_config(*overrides))
    for path in flatten({name: part for name, part in plain.items() if name != "space"}):
        steps = path.split(".")
        if steps[1:2] == ["encoders"]:
            steps[2] = "MODALITY"
        known = [".".join(steps[: end + 1]) for end in range(len(steps))]
        assert any(f"| `{key}` |" in PAGE for key in known), path


def test_a_comment_describes_its_own_variant_alone():
    """`conf/` says what the 34 features of `short_term` are; no other `name` is that."""
    rows = [line for line in PAGE.splitlines() if "13 MFCC" in line]
    assert [row.split("|")[1:3] for row in rows] == [[" `features.speech.name` ", " `short_term` "]]


def test_every_group_has_a_section_and_a_choice():
    for name in SearchConfig.model_fields:
        assert f"\n## {name}\n" in PAGE


def test_the_pages_build_without_a_warning(tmp_path):
    program = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
    ended = subprocess.run(
        [*program, str(ROOT / "docs"), str(tmp_path / "built"), "-d", str(tmp_path / "trees")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    built = {path.name for path in (tmp_path / "built").rglob("*.html")}
    pages = {f"{path.stem}.html" for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= built
