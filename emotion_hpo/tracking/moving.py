"""MLflow's database after its folder was moved, copied or mounted elsewhere.

MLflow keeps the absolute place of every run's and model's artifacts. A studies folder is whole: its
artifacts lie beside its database, so that the places are written anew when another one is recorded.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from emotion_hpo.study import StudyHome

#: Where MLflow keeps places of artifacts, by table.
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)


def follow_move(home: StudyHome) -> None:
    """Let MLflow's tables mean the artifacts that lie beside them, in one transaction.

    Only for who holds `home.mlflow_lock`. Places outside a folder of artifacts of ours stay.
    """
    place = home.mlflow_artifacts.resolve().as_uri()
    with closing(sqlite3.connect(home.mlflow_database, timeout=60)) as database:
        former = [root for root in _recorded(database, home) if root != place]
        if not former:
            return
        with database:  # one transaction
            for root in former:
                for table, column in _PLACES:
                    # Not LIKE, for which the signs of an encoded URI have a meaning.
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                        f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                        (place, len(root) + 1, root, len(root) + 1, f"{root}/"),
                    )


def _recorded(database: sqlite3.Connection, home: StudyHome) -> Iterator[str]:
    """Yield the folders of artifacts that experiments of ours were made with."""
    rows = database.execute("SELECT DISTINCT artifact_location FROM experiments")
    for (location,) in rows.fetchall():
        is_local = str(location).startswith("file:")
        if is_local and str(location).endswith(f"/{home.mlflow_artifacts.name}"):
            yield str(location)
