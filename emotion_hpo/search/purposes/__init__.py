"""What a worker trains, a file a purpose: a trial of the search, a confirmation, a final model.

Each is a function of a `Life` that returns how it ended, or None if it was stopped before.
"""
