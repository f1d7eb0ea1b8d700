"""What a worker trains, a file a purpose: trials, confirmations, final models, protocols.

Each is a function of a `Life` that returns how it ended, or None if it was stopped before.
"""
