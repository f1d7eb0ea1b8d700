"""How benchmarks hand over their figures, and the runner that makes one table of them."""

import json
import runpy
from pathlib import Path

import pytest

from benchmarks.__main__ import SCRIPTS, main, run, select
from benchmarks.catalogue import BENCHMARKS
from benchmarks.figures import FIGURES_FILE, Figure, Goal, cells, compare, hand_over, read_figures

GOOD = """
from benchmarks.figures import compare, hand_over
print("some words")
hand_over(compare("sorting", 2.0, 6.0, "s", "bubbles", at_least=2.5))
"""
BAD = GOOD + "raise SystemExit('no sorting without numbers')"


@pytest.mark.parametrize(
    ("figure", "ratio", "holds"),
    [
        (compare("time", 2.0, 8.0, "s", "port", at_least=4.0), 4.0, True),
        (compare("time", 2.0, 7.0, "s", "port", at_least=4.0), 3.5, False),
        (compare("rate", 8.0, 2.0, "", "port", is_more_better=True), 4.0, None),
        (Figure("time", 2.0, "s", goal=Goal("ours", at_most=1.5)), None, False),
        (Figure("time", float("nan"), "s", goal=Goal("ours", at_most=1.5)), None, False),
        (Figure("time", 2.0, "s", goal=Goal("ratio", at_least=2.0)), None, None),
    ],
)
def test_a_ratio_says_how_many_times_better_ours_is(figure, ratio, holds):
    assert figure.ratio == ratio
    assert figure.holds is holds


def test_a_row_says_all(capsys, monkeypatch):
    monkeypatch.delenv(FIGURES_FILE, raising=False)
    hand_over(compare("epoch", 2.0, 13.0, "s", "port", at_least=6.0))
    assert capsys.readouterr().out == "epoch  2 s  13 s port  6.5 ×  ratio ≥ 6  yes\n"
    peerless = Figure("features", 1234.5, "ms", rival_name="not installed")
    assert cells(peerless) == ("features", "1,234 ms", "not installed", "", "", "")


def test_what_is_handed_over_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setenv(FIGURES_FILE, str(path := tmp_path / "figures"))
    figures = [compare("a", 1.0, 2.0, "s", "b", at_least=3), Figure("c", 1.0, "MB")]
    for figure in figures:
        hand_over(figure)
    assert read_figures(path) == figures
    assert read_figures(tmp_path / "missing") == []


def test_a_script_that_fails_keeps_its_figures_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SCRIPTS.parent))
    (tmp_path / "bad.py").write_text(BAD)
    result = run("bad", (), tmp_path / "bench.json", tmp_path)
    assert [figure.ratio for figure in result.figures] == [3.0]
    assert result.failure == f"no sorting without numbers ({tmp_path / 'bad.log'})"
    assert [row[1] for row in result.rows()] == ["sorting", f"FAILED: {result.failure}"]


def test_the_runner_goes_on_and_writes_what_was_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PYTHONPATH", str(SCRIPTS.parent))
    monkeypatch.setattr("benchmarks.__main__.SCRIPTS", tmp_path)
    (tmp_path / "motion.py").write_text(BAD)
    (tmp_path / "report.py").write_text(GOOD)
    assert main(["report", "motion", "--folder", str(tmp_path)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in shown[2:5]] == ["motion", "motion", "report"]
    stored = json.loads((tmp_path / "bench.json").read_text())
    failed, good = stored["benchmarks"]
    assert failed["failure"].startswith("no sorting")
    assert good["failure"] is None
    assert 0 < good["cpu_seconds"] < 60
    assert good["figures"][0] == {
        "what": "sorting", "ours": 2.0, "unit": "s", "rival": 6.0, "rival_name": "bubbles",
        "ratio": 3.0, "goal": {"measure": "ratio", "at_least": 2.5, "at_most": None}, "holds": True,
    }  # fmt: skip
    assert stored["machine"]["cores"] >= 1
    assert stored["versions"]["torch"]


def test_names_are_checked(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["trainig"])
    assert exit_.value.code == 2
    assert "no benchmark 'trainig' (valid: features, " in capsys.readouterr().err


def test_every_benchmark_is_a_script_and_most_run_unnamed():
    assert all((SCRIPTS / f"{benchmark.name}.py").is_file() for benchmark in BENCHMARKS)
    quick = {benchmark.name for benchmark, _ in select([], is_quick=True)}
    full = {benchmark.name for benchmark, _ in select([], is_quick=False)}
    assert quick < full
    assert {"features", "training", "plain_stack"} <= quick
    assert not {"honesty", "gpu"} & full
    assert select(["honesty"], is_quick=True)


def test_all_scripts_are_known():
    apart = {"__main__", "catalogue", "figures", "port", "twin_sizes", "record_curves", "simulated"}
    scripts = {path.stem for path in Path(SCRIPTS).glob("*.py")}
    assert scripts - apart == {benchmark.name for benchmark in BENCHMARKS}


def test_without_cuda_the_gpu_script_says_so_in_a_line(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setattr("sys.argv", ["gpu.py"])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(SCRIPTS / "gpu.py"), run_name="__main__")
    assert exit_.value.code == 2
    assert capsys.readouterr().out.count("\n") == 1
