"""`study.yaml`: what a study is, written once, compared whenever a command continues it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from emotion_hpo.config import (
    ExperimentConfig,
    SearchConfig,
    build,
    differences,
    dump,
    with_value,
)
from emotion_hpo.config.free import FREE_KEYS, FREE_SECTIONS
from emotion_hpo.config.turns_read import TurnsRead, find_turns_read
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.study import RESTORE, StudyHome, read_yaml, write_yaml
from emotion_hpo.study.facts import collect_facts, commit
from emotion_hpo.study.records.base import describe_first
from emotion_hpo.study.records.study_facts import StudyFacts
from emotion_hpo.study.records.transcription import describe_words


@dataclass(frozen=True)
class StudyFile:
    """A study as stored.

    Attributes:
        config: The complete configuration.
        shards: Session → content key of its features, the sealed session left out.
        facts: When, from which code and where it was begun.
    """

    config: SearchConfig
    shards: Mapping[str, str]
    facts: StudyFacts

    @property
    def words(self) -> str | None:
        """Whose words the corpus is read with; None of its own."""
        return describe_words(self.config.corpus.transcripts, self.facts.words)


def exists(home: StudyHome) -> bool:
    """Return whether there is a study here."""
    return home.study.exists()


def read(home: StudyHome) -> StudyFile:
    """Read a stored study.

    Raises:
        StudyError: There is none, or it cannot be read.
    """
    if not exists(home):
        others = sorted(path.parent.name for path in home.directory.glob("*/study.yaml"))
        known = f"studies here: {', '.join(others)}" if others else "run `make search` first"
        raise StudyError(f"no study {home.name!r} in {home.directory}; {known}")
    stored = read_yaml(home.study)
    if not isinstance(stored, Mapping):
        raise StudyError(f"{home.study} holds no study; {RESTORE}")
    if missing := {"facts", "shards", "config"} - stored.keys():
        raise _foreign(home.study, f"{min(missing)} is missing")
    try:
        config = build(SearchConfig, stored["config"])
        # The folder may have been moved, or be named by another relative path now.
        config = build(
            SearchConfig, with_value(dump(config), "study.directory", str(home.directory))
        )
        shards, facts = (_mapping(stored, part) for part in ("shards", "facts"))
        return StudyFile(config, shards, StudyFacts.from_json(facts))
    except ValidationError as error:
        raise _foreign(home.study, f"facts.{describe_first(error)}") from None
    except (TypeError, ConfigError) as error:
        raise _foreign(home.study, error) from None


def trial_config(home: StudyHome, number: int) -> ExperimentConfig:
    """Return the configuration that a trial trained, as stored beside it.

    Raises:
        StudyError: It cannot be read.
    """
    path = home.trial(number).config
    stored = read_yaml(path)
    try:
        return build(ExperimentConfig, stored)
    except ConfigError as error:
        raise _foreign(path, error) from None


def find_turns_read_by(home: StudyHome, number: int) -> TurnsRead | None:
    """Return what a trial's model reads beside an utterance; None: nothing, or nobody knows.

    Where the trial's configuration cannot be read, whoever needs more of it says so.
    """
    try:
        return find_turns_read([trial_config(home, number).model])
    except (StudyError, OSError):
        return None


def _foreign(path: Path, why: object) -> StudyError:
    first = str(why).splitlines()[0]
    return StudyError(f"{path} was not written by this version: {first}; {RESTORE}")


def write_or_compare(
    home: StudyHome, config: SearchConfig, shards: Mapping[str, str], *, synthetic: bool
) -> list[str]:
    """Store a new study, or make sure that an old one is the same; return what a user should know.

    Raises:
        StudyError: The stored study differs, with the differences and the ways on.
    """
    if not exists(home):
        _write(home, config, shards, collect_facts(config, synthetic=synthetic))
        return []
    stored = check_same(home, config, shards)
    _write(home, config, shards, stored.facts)
    old, new = stored.facts.commit, commit()
    if old != new:
        return [f"the code has changed since this study began (commit {old} → {new})"]
    return []


def check_same(
    home: StudyHome, config: SearchConfig, shards: Mapping[str, str] | None = None
) -> StudyFile:
    """Read a stored study and make sure that it is the one that is asked for.

    Args:
        home: The study.
        config: What is asked for.
        shards: The features that it would be searched on; without them only settings are compared.

    Raises:
        StudyError: It differs, with the differences and the ways on.
    """
    stored = read(home)
    changed = differences(_compared(stored.config), _compared(config))
    if shards is not None:
        changed += differences({"features": dict(stored.shards)}, {"features": dict(shards)})
    if changed:
        listed = "".join(f"\n  {line}" for line in changed)
        raise StudyError(
            f"study {home.name!r} was searched with another configuration:{listed}\n"
            "Search under another name (study.name=NAME), where warm_start="
            f"{home.name} hands its trials on to the sampler, or take the old values back."
        )
    return stored


def with_places(stored: StudyFile, places: Mapping[str, object]) -> StudyFile:
    """Return the study with other places of its corpus's files.

    Raises:
        ConfigError: One is no place.
    """
    plain = dump(stored.config)
    for path, place in places.items():
        plain = with_value(plain, path, place)
    return replace(stored, config=build(SearchConfig, plain))


def write_places(home: StudyHome, moved: StudyFile, keys: Mapping[str, str]) -> None:
    """Store where a corpus lies now.

    Args:
        home: The study.
        moved: It, with the new places.
        keys: Of the features that are made from what lies there.

    Raises:
        StudyError: Another corpus lies there.
    """
    check_shards(moved, keys, moved.config.corpus.name)
    _write(home, moved.config, moved.shards, moved.facts)


def check_shards(stored: StudyFile, keys: Mapping[str, str], corpus: str) -> None:
    """Make sure that a corpus is the one that was searched on.

    Raises:
        StudyError: Its recordings or what is extracted from them have changed.
    """
    if any(keys.get(session) != key for session, key in stored.shards.items()):
        raise StudyError(
            f"corpus {corpus} does not hold what study {stored.config.study.name!r} was searched "
            "on: it is another one, or has changed since; search anew under another study.name"
        )


def _write(
    home: StudyHome, config: SearchConfig, shards: Mapping[str, str], facts: StudyFacts
) -> None:
    content = {"facts": facts.to_json(), "shards": dict(shards), "config": dump(config)}
    write_yaml(home.study, content)


def _mapping(stored: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    if not isinstance(stored[part], Mapping):
        raise TypeError(f"{part} holds no keys")
    return dict(stored[part])


def _compared(config: SearchConfig) -> dict[str, Any]:
    """Return the configuration less what may change; `check_shards` compares the corpus."""
    whole = config.without_places()
    plain = {name: part for name, part in whole.items() if name not in FREE_SECTIONS}
    for path in FREE_KEYS:
        plain = with_value(plain, path, None)
    return plain
