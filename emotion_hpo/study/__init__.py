"""Every file of a study: its name, its schema, and how it is written.

`search`, `final` and `report` talk to each other through these files alone.
"""

from emotion_hpo.study.files import (
    PARTIAL,
    RESTORE,
    check_writable,
    make_folder,
    read_json,
    read_yaml,
    replacing,
    write_bytes,
    write_json,
    write_yaml,
)
from emotion_hpo.study.paths import (
    ConfirmationHome,
    FinalHome,
    ReportHome,
    StudyHome,
    TrialHome,
)
from emotion_hpo.study.trial import Epoch, Training, Trial, TrialState, n_smoothed_of

__all__ = [
    "PARTIAL",
    "RESTORE",
    "ConfirmationHome",
    "Epoch",
    "FinalHome",
    "ReportHome",
    "StudyHome",
    "Training",
    "Trial",
    "TrialHome",
    "TrialState",
    "check_writable",
    "make_folder",
    "n_smoothed_of",
    "read_json",
    "read_yaml",
    "replacing",
    "write_bytes",
    "write_json",
    "write_yaml",
]
