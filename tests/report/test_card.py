"""A final model's card: its figures as they are stored, and names that Markdown cannot read."""

from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.final_result import FinalResult
from tests.records import final_result, span
from tests.report.studies import begin, write_final


def card(emotion_hpo, home, *overrides):
    """What `export` says, and the lines of the card."""
    where = (f"study.directory={home.directory}", f"study.name={home.name}")
    ended = emotion_hpo("export", *where, *overrides)
    path = ended.stdout.removeprefix("Card: ").strip()
    return ended, (home.directory / path).read_text("utf-8").splitlines() if path else []


def test_it_holds_the_last_models_scores_with_their_intervals(emotion_hpo, tmp_path):
    home = begin(tmp_path)
    for number in (3, 1):
        write_final(home, number)
    ended, lines = card(emotion_hpo, home)
    assert (ended.status, ended.stderr) == (0, "")
    assert (home.final(1).path / "model_card.md").exists()
    result = read_record(home.final(1).result, FinalResult)
    assert lines[0] == "# study: trial\\_1"
    accuracy = f"{100 * result.accuracy:.2f} %"
    assert f"| accuracy | {accuracy} | 60.0 – 80.0 % | 200 |" in lines
    assert any(line.startswith(f"Accuracy **{accuracy}** on session 5") for line in lines)
    assert any(line.startswith("- Trained and scored on synthetic data") for line in lines)
    assert any("scored 2 times" in line for line in lines), "the ledger's count is a limit"
    use = 'emotion-hpo predict model=model.pt motion=a.npy wav=a.wav text="so good to see you"'
    assert use in lines
    assert "- Protocol: split paper, session 5 sealed until the search had ended." in lines
    assert any(line.endswith("this one on 2026-01-01.") for line in lines)

    _, other = card(emotion_hpo, home, "best=trial_3", f"output={tmp_path / 'card.md'}")
    assert other[0] == "# study: trial\\_3"


def test_it_is_asked_by_what_it_reads(emotion_hpo, tmp_path):
    """Of a modality that no extractor makes by ready-made features; of two of words once."""
    table = ("corpus=manifest", "corpus.table=t.csv", "+corpus.features.voice=v.npy")
    home = begin(tmp_path, "study", *table)
    write_final(home)
    result = read_record(home.final(0).result, FinalResult)
    read = {"modalities": ("functionals", "speech", "voice")}
    write_record(home.final(0).result, result.model_copy(update=read))
    _, lines = card(emotion_hpo, home)
    assert "emotion-hpo predict model=model.pt wav=a.wav features.voice=a.npy" in lines


def test_a_model_that_was_not_scored_has_none(emotion_hpo, tmp_path):
    home = begin(tmp_path)
    ended, _ = card(emotion_hpo, home)
    assert ended.status == 2
    assert ended.stderr.startswith("emotion-hpo export: study 'study' has no final model; ")
    write_final(home, 3)
    ended, _ = card(emotion_hpo, home, "best=trial_4")
    assert ended.status == 2
    assert "has no final model 'trial_4' (valid: trial_3)" in ended.stderr


def test_names_stay_as_they_are(emotion_hpo, tmp_path):
    home = begin(tmp_path)
    write_final(home)
    recall = {"recall": 0.75, "interval": span(0.6, 0.9, "exact"), "n": 50}
    names = ("[happy]", "a|b_c", "`a`", "$ang$_{x}$")
    counts = [[5] * 4] * 4
    odd = final_result(
        recall_by_class=dict.fromkeys(names, recall),
        confusion={"classes": list(names), "counts": counts},
    )
    write_record(home.final(0).result, odd.model_copy(update={"study": "a|b <c>"}))
    _, lines = card(emotion_hpo, home)
    assert lines[0] == "# a\\|b \\<c\\>: trial\\_0"
    rows = [line for line in lines if line.startswith("| recall of ")]
    assert len(rows) == len(names)
    assert all(len(row.replace("\\|", "").split("|")) == 6 for row in rows), "four cells each"
