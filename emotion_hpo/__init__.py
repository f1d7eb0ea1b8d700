"""Hyperparameter optimisation for multimodal emotion recognition.

corpus → features → splits → dataset → models → training → search → final → report: one module
or package a step, and a module imports only from the steps before its own
(`tests/test_architecture.py` holds this). Start reading at `cli/app.py`.
"""
