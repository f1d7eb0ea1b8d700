"""What of a configuration may differ between two commands on one study.

No value of a trial depends on it. Whatever else differs makes another study.
"""

#: Sections that say where a study runs, where it is stored and who watches it.
FREE_SECTIONS = ("launcher", "storage", "tracking")

#: Keys that name the study, the preset that it was composed from among them.
NAMING_KEYS = ("study", "study.name", "study.directory")

#: Keys of the budget, of what follows the search, and of words.
FREE_KEYS = (
    "study.n_trials",
    "study.question",
    "study.directory",
    "study.final_seeds",
    "study.confirm_leaders",
    "study.confirm_seeds",
    "study.retrain",
    "study.max_epochs",
    "study.max_hours",
    "study.max_failures",
    "study.keep_weights",
    "corpus.write_release",
)
