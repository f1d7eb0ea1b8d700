"""The search: a space, a study in Optuna, workers that train trials, a coordinator that watches."""
