"""Tables of a final model."""

from types import SimpleNamespace

from emotion_hpo.report.final_plots import against_baseline_plot
from emotion_hpo.report.final_tables import final_table, reference_table
from emotion_hpo.report.findings import Final
from tests.console.results import WITHOUT
from tests.records import final_result


def test_the_baseline_stands_beside_a_trial_and_not_beside_itself():
    for trial, n_columns in (("trial_0", 7), ("baseline", 4)):
        final = Final(SimpleNamespace(), final_result(trial=trial), None)
        table = final_table(final)
        assert len(table.columns) == n_columns
        assert {len(row) for row in table.rows} == {n_columns}
        assert (against_baseline_plot(SimpleNamespace(synthetic=True), final) is None) == (
            trial == "baseline"
        )


def test_other_words_stand_beside_the_models_own():
    words = {**WITHOUT, "own": "words by a recogniser, WER 9.00 %", "other": "the manual words"}
    final = Final(SimpleNamespace(), final_result(words=words), None)
    table = reference_table(final)
    assert table.rows[-1][:4] == (
        "with the manual words, in the place of words by a recogniser, WER 9.00 %",
        "55.00 %", "50.00 %", "+5.00",
    )  # fmt: skip
