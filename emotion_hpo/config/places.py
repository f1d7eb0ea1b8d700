"""Where a study is kept and where its workers run: nothing that a trial's score depends on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from emotion_hpo.config.base import Section


class SqliteStorage(Section):
    """Optuna's tables in the study's own `study.db`, for workers of one machine."""

    name: Literal["sqlite"]


class PostgresqlStorage(Section):
    """Optuna's tables on a PostgreSQL server, for workers of any machine.

    The URL may hold a password: the configuration names where it stands, and only that is stored.
    """

    name: Literal["postgresql"]
    url_variable: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="environment variable that holds postgresql://USER:PASSWORD@HOST/DATABASE",
    )
    url_file: Path | None = Field(description="file that holds the URL; null: the variable does")


StorageConfig = Annotated[SqliteStorage | PostgresqlStorage, Field(discriminator="name")]


class LocalLauncher(Section):
    """Worker processes on this machine; the cores are divided among them."""

    name: Literal["local"]
    n_workers: int = Field(ge=1, description="processes that train trials")


class RayLauncher(Section):
    """Workers on a Ray cluster; Ray finds the places and says when one is lost."""

    name: Literal["ray"]
    n_workers: int = Field(ge=1, description="workers that train trials")
    address: str | None = Field(
        description="auto, HOST:PORT or ray://HOST:PORT; null starts Ray on this machine"
    )
    cpus: float = Field(gt=0, description="cores a worker; its threads")
    gpus: float = Field(ge=0, description="GPUs a worker; 0.5: two workers share one")


class SlurmLauncher(Section):
    """Workers as a SLURM job array; what is cancelled or preempted is submitted again."""

    name: Literal["slurm"]
    n_workers: int = Field(ge=1, description="tasks of the job array")
    partition: str | None = Field(description="null: the cluster's default")
    cpus: int = Field(ge=1, description="cores a worker; its threads")
    gpus: int = Field(ge=0, description="GPUs a worker")
    memory_gb: float | None = Field(gt=0, description="memory a worker; null: the default")
    minutes: int = Field(ge=1, description="time limit of a job; it is requeued when it is over")
    options: dict[str, str] = Field(
        description="other options of sbatch, such as account: NAME; true: one that has no value"
    )

    @field_validator("options", mode="before")
    @classmethod
    def _flags(cls, value: Any) -> Any:  # noqa: ANN401 (whatever a user wrote)
        if not isinstance(value, Mapping):
            return value
        return {name: "true" if text is True else text for name, text in value.items()}


LauncherConfig = Annotated[LocalLauncher | RayLauncher | SlurmLauncher, Field(discriminator="name")]
