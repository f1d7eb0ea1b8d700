"""Where the configuration lies."""

from pathlib import Path


def conf_folder() -> Path:
    """Return `conf/`: beside the code once installed, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "conf" if (package / "conf").is_dir() else package.parent / "conf"
