"""How Sphinx builds these pages: `make docs`, where a warning is an error."""

import importlib.metadata

project = "emotion_hpo"
release = importlib.metadata.version("emotion-hpo")
extensions = ["myst_parser"]
exclude_patterns = ["build"]
html_theme = "furo"
html_title = f"emotion_hpo {release}"
html_show_sourcelink = False
html_copy_source = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# Links out of this folder are for readers of the repository; tests/test_readme.py follows them.
suppress_warnings = ["myst.xref_missing"]
