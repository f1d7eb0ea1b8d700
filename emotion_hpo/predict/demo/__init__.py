"""A page on this machine to try a model: `page.py` draws it, `answers.py` writes what it says."""
