"""Every corpus that the configuration knows has all that belongs to one."""

from importlib import import_module
from inspect import isclass
from typing import get_args

import pytest

from emotion_hpo.config.corpus import CorpusConfig
from tests.corpus.contract import CorpusContract
from tests.making import ROOT

NAMES = sorted(
    get_args(section.model_fields["name"].annotation)[0]
    for section in get_args(get_args(CorpusConfig)[0])
)


@pytest.mark.parametrize("name", NAMES)
def test_a_configured_corpus_has_a_module_a_yaml_and_a_contract(name):
    assert callable(import_module(f"emotion_hpo.corpus.{name}").open_corpus)
    assert (ROOT / "conf" / "corpus" / f"{name}.yaml").is_file()
    tests = vars(import_module(f"tests.corpus.test_{name}")).values()
    contracts = [item for item in tests if isclass(item) and issubclass(item, CorpusContract)]
    assert set(contracts) - {CorpusContract}, f"tests/corpus/test_{name}.py has no CorpusContract"
