"""`study.yaml`: what a study is stays what it was; what may change may change."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from emotion_hpo.config import SearchConfig, build, dump, flatten, with_value
from emotion_hpo.errors import StudyError
from emotion_hpo.study import StudyHome, facts, read_yaml, study_file, write_yaml
from tests.pipeline import compose_config

SHARDS = {"1": "key-a", "2": "key-b"}


@pytest.fixture
def home(tmp_path: Path) -> StudyHome:
    return StudyHome(tmp_path / "studies", "mine")


@pytest.fixture
def config(home: StudyHome) -> SearchConfig:
    return compose_config("study=smoke", "study.name=mine", f"study.directory={home.directory}")


def changed(config: SearchConfig, path: str, value: object) -> SearchConfig:
    """A copy of a configuration in which one path has another value."""
    return build(SearchConfig, with_value(dump(config), path, value))


def test_a_study_is_written_once_and_read_back(home, config):
    assert not study_file.exists(home)
    assert study_file.write_or_compare(home, config, SHARDS, synthetic=True) == []
    assert study_file.exists(home)
    stored = study_file.read(home)
    assert stored.config == config
    assert stored.shards == SHARDS
    assert stored.facts.fingerprint.experiment == config.experiment().identity
    assert stored.facts.versions.keys() >= {"torch", "numpy", "optuna", "emotion-hpo"}
    assert stored.facts.hardware.cores >= 1
    assert stored.facts.hardware.processor
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stored.facts.created_at)


def test_the_same_again_changes_nothing(home, config):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    before = home.study.read_bytes()
    assert study_file.write_or_compare(home, config, SHARDS, synthetic=True) == []
    assert home.study.read_bytes() == before


#: What a continued study may have otherwise than before: nothing that a score depends on.
FREE = {
    "study.n_trials": 40,
    "study.question": "Another one?",
    "study.directory": "elsewhere",
    "study.final_seeds": [5, 6],
    "study.confirm_leaders": 3,
    "study.confirm_seeds": 4,
    "study.retrain": "steps",
    "study.max_epochs": 90,
    "study.max_hours": 2.5,
    "study.max_failures": 4,
    "study.keep_weights": True,
    "corpus.write_release": "elsewhere",
    "launcher.n_workers": 7,
    "tracking": {"name": "none"},
}


@pytest.mark.parametrize("path", FREE)
def test_what_is_free_may_change_and_is_stored(home, config, path):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    facts = study_file.read(home).facts
    other = changed(config, path, FREE[path])
    assert study_file.write_or_compare(home, other, SHARDS, synthetic=True) == []
    stored = study_file.read(home)
    assert stored.facts == facts, "the study began when it began"
    if path != "study.directory":
        assert stored.config == other


def test_everything_else_is_refused_with_its_difference(home, config):
    """Every leaf that is not free, so that a new one is fixed until somebody frees it."""
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    before = home.study.read_bytes()
    free = tuple(path.split(".")[0] if "." not in path else path for path in FREE)
    kept = [
        path
        for path in flatten(dump(config))
        if not path.startswith((*free, "launcher", "storage", "tracking", "space"))
    ]
    checked = 0
    for path in kept:
        for value in candidates(flatten(dump(config))[path]):
            try:
                other = changed(config, path, value)
            except ValueError:
                continue
            said = rf"'mine' was searched with another configuration:(.|\n)*  {re.escape(path)}: "
            with pytest.raises(StudyError, match=said):
                study_file.write_or_compare(home, other, SHARDS, synthetic=True)
            checked += 1
            break
    assert checked > 40
    assert home.study.read_bytes() == before


def candidates(value: Any) -> list[Any]:
    """Other values, of which one may be valid in the place of this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value + 0.25, value / 2]
    return ["val/uar", "speaker", "first", "cosine", "balanced", "cpu", "float32", "max", "other",
            "pretrained", [1, 2], [0, 3], [{"model.dropout": 0.2}], 1.5, True]  # fmt: skip


DIFFERENCES = [
    # path, value, the line, why it is refused
    ("model.dropout", 0.2, "model.dropout: 0.1 → 0.2", "another network"),
    ("study.seed", 1, "study.seed: 0 → 1", "other draws"),
    ("study.name", "yours", 'study.name: "mine" → "yours"', "another study's folder"),
    ("sampler", {"name": "random"}, 'sampler.name: "tpe" → "random"', "another sampler"),
    (
        "space",
        {"model.dropout": {"low": 0.0, "high": 0.3}},
        "space.model.dropout.high: 0.4 → 0.3",
        "another space",
    ),
    (
        "space",
        {"model.dropout": {"low": 0.0, "high": 0.4}},
        "space.training.learning_rate.high: 0.01 → (absent)",
        "a range less",
    ),
    (
        "study.enqueue",
        [{"model.dropout": 0.2}],
        'study.enqueue: [] → [{"model.dropout": 0.2}]',
        "other first trials",
    ),
    (
        "model.encoders.text.output_units",
        9,
        "model.encoders.text.output_units: 8 → 9",
        "another network",
    ),
]


@pytest.mark.parametrize(("path", "value", "line", "why"), DIFFERENCES)
def test_a_difference_is_listed_with_the_ways_on(home, config, path, value, line, why):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    with pytest.raises(
        StudyError, match=f"\n  {re.escape(line)}\n(.|\n)*study.name=NAME(.|\n)*warm_start="
    ):
        study_file.write_or_compare(home, changed(config, path, value), SHARDS, synthetic=True)


CHANGED_SHARDS = [
    ({**SHARDS, "2": "key-c"}, 'features.2: "key-b" → "key-c"', "the recordings changed"),
    ({"1": "key-a"}, 'features.2: "key-b" → (absent)', "a session is gone"),
    ({**SHARDS, "3": "key-c"}, 'features.3: (absent) → "key-c"', "a session is new"),
]


@pytest.mark.parametrize(("shards", "line", "why"), CHANGED_SHARDS)
def test_changed_features_are_refused(home, config, shards, line, why):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    with pytest.raises(StudyError, match=re.escape(line)):
        study_file.write_or_compare(home, config, shards, synthetic=True)


def test_other_code_is_said_and_allowed(home, config, monkeypatch):
    monkeypatch.setattr(facts, "commit", lambda: "aaaa")
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    monkeypatch.setattr(study_file, "commit", lambda: "bbbb")
    for _ in range(2):
        (line,) = study_file.write_or_compare(home, config, SHARDS, synthetic=True)
        assert line == "the code has changed since this study began (commit aaaa → bbbb)"


def test_commit_of_a_checkout_and_of_none(monkeypatch, tmp_path):
    found = facts.commit()
    assert found is None or re.fullmatch(r"[0-9a-f]{12}", found)
    monkeypatch.setattr(facts, "__file__", str(tmp_path / "facts.py"))
    assert facts.commit() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts.commit() is None, "a machine without git"


def test_a_moved_folder_is_read_where_it_lies(home, config, tmp_path, monkeypatch):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    moved = StudyHome(tmp_path / "archive", "mine")
    shutil.move(home.directory, moved.directory)
    assert study_file.read(moved).config.study.directory == moved.directory
    assert study_file.write_or_compare(moved, config, SHARDS, synthetic=True) == []
    monkeypatch.chdir(tmp_path)
    assert study_file.read(StudyHome(Path("archive"), "mine")).config.study.directory == Path(
        "archive"
    )


def with_corpus(config, **changes):
    """The study on a manifest that lies somewhere."""
    corpus = {"name": "manifest", "table": "a.csv", "features": {}, "classes": None,
              "synthetic": False, "strict": False, **changes}  # fmt: skip
    return changed(config, "corpus", corpus)


MOVED = [
    # where the corpus lay, where it lies
    ({"table": "a.csv"}, {"table": "/elsewhere/b.csv"}),
    ({"features": {"video": "v.npy"}}, {"features": {"video": "/elsewhere/w.npz"}}),
    ({"transcripts": "words.csv"}, {"transcripts": "/elsewhere/words.csv"}),
]


@pytest.mark.parametrize(("before", "after"), MOVED)
def test_a_corpus_may_lie_elsewhere(home, config, before, after):
    old, new = with_corpus(config, **before), with_corpus(config, **after)
    study_file.write_or_compare(home, old, SHARDS, synthetic=True)
    assert study_file.write_or_compare(home, new, SHARDS, synthetic=True) == []
    assert study_file.read(home).config.corpus == new.corpus, "stored as the new place"
    assert new.experiment().identity == old.experiment().identity
    with pytest.raises(StudyError, match=r'features\.2: "key-b" → "key-c"'):
        study_file.write_or_compare(home, old, {**SHARDS, "2": "key-c"}, synthetic=True)
    assert study_file.read(home).config.corpus == new.corpus


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"features": {"audio": "v.npy"}}, "corpus.features.audio: (absent) → "),
        ({"features": {"video": "v.npy"}, "transcripts": "w.csv"}, "corpus.transcripts: null → "),
    ],
)
def test_other_files_are_no_other_place(home, config, after, said):
    old, new = with_corpus(config, features={"video": "v.npy"}), with_corpus(config, **after)
    study_file.write_or_compare(home, old, SHARDS, synthetic=True)
    with pytest.raises(StudyError, match=re.escape(said)):
        study_file.write_or_compare(home, new, SHARDS, synthetic=True)
    assert new.experiment().identity != old.experiment().identity


def test_a_new_place_is_stored_once_its_content_is_the_same(home, config):
    study_file.write_or_compare(home, with_corpus(config), SHARDS, synthetic=True)
    moved = study_file.with_places(study_file.read(home), {"corpus.table": "b.csv"})
    with pytest.raises(
        StudyError, match="corpus manifest does not hold what study 'mine' was searched on"
    ):
        study_file.write_places(home, moved, {**SHARDS, "2": "key-c"})
    assert study_file.read(home).config.corpus.table == Path("a.csv")
    study_file.write_places(home, moved, SHARDS)
    assert study_file.read(home).config.corpus.table == Path("b.csv")


def test_a_missing_study_names_those_there(home, config):
    with pytest.raises(StudyError, match=r"no study 'mine' in .*; run `make search` first"):
        study_file.read(home)
    for name in ("b", "a"):
        study_file.write_or_compare(StudyHome(home.directory, name), config, SHARDS, synthetic=True)
    (home.directory / "features").mkdir()
    with pytest.raises(StudyError, match=r"no study 'mine' in .*; studies here: a, b$"):
        study_file.read(home)


BROKEN = [
    # content, what is said, why it cannot be read
    ("config: [", "is not readable", "no YAML"),
    ("config: [", "is not readable: line 1, .*expected.* node content", "no YAML, where"),
    ("", "holds no study", "empty"),
    ("just words", "holds no study", "no mapping"),
    ("[1, 2]", "holds no study", "no mapping"),
    (
        "config: {}\nshards: {}\nfacts: {}",
        "was not written by this version: corpus: a value is needed",
        "without a configuration",
    ),
    ("config: {}", "was not written by this version: facts is missing", "cut off"),
    ("shards: {}\nfacts: {}", "was not written by this version: config is missing", "cut off"),
]


@pytest.mark.parametrize(("content", "said", "why"), BROKEN)
def test_a_broken_file_is_named_and_kept(home, config, content, said, why):
    home.path.mkdir(parents=True)
    home.study.write_text(content)
    for use in (
        lambda: study_file.read(home),
        lambda: study_file.write_or_compare(home, config, SHARDS, synthetic=True),
    ):
        with pytest.raises(StudyError, match=rf"study\.yaml {said}") as caught:
            use()
        assert str(caught.value).endswith(
            "; restore it from a copy, or search under another study.name"
        )
        assert "\n" not in str(caught.value)
    assert home.study.read_text() == content


@pytest.mark.parametrize(
    ("part", "value"), [("shards", None), ("shards", [1]), ("facts", None), ("facts", "x")]
)
def test_a_part_of_another_kind_is_refused(home, config, part, value):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    write_yaml(home.study, {**read_yaml(home.study), part: value})
    with pytest.raises(StudyError, match=f"was not written by this version: {part}"):
        study_file.read(home)


@pytest.mark.parametrize("fact", ["created_at", "synthetic"])
def test_a_fact_that_is_cut_off_is_named(home, config, fact):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    stored = read_yaml(home.study)
    del stored["facts"][fact]
    write_yaml(home.study, stored)
    with pytest.raises(StudyError, match=rf"study\.yaml was not .*: facts\.{fact}: field required"):
        study_file.read(home)


def test_another_versions_key_is_named(home, config):
    study_file.write_or_compare(home, config, SHARDS, synthetic=True)
    write_yaml(home.study, with_value(read_yaml(home.study), "config.model.old_key", 1))
    said = "was not written by this version: model.old_key: unknown key 'old_key'"
    with pytest.raises(StudyError, match=said):
        study_file.read(home)


BROKEN_TRIALS = [
    # content, what is said, why it cannot be read
    ("model: [", "is not readable: line 1", "no YAML"),
    ("", "was not written by this version: keys with values are needed here", "empty"),
    ("model: 3", "was not written by this version: corpus: a value is needed", "cut off"),
    (None, "is not readable: .* No such file", "gone"),
]


@pytest.mark.parametrize(("content", "said", "why"), BROKEN_TRIALS)
def test_a_broken_configuration_of_a_trial_is_named(home, content, said, why):
    path = home.trial(3).config
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_text(content)
    with pytest.raises(StudyError, match=rf"trial_3/config\.yaml {said}.*; restore it") as caught:
        study_file.trial_config(home, 3)
    assert "\n" not in str(caught.value)
