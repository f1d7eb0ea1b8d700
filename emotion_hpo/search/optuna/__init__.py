"""The study in Optuna's storage. No other package imports optuna."""
