"""Where a study is mirrored for people to look at."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from emotion_hpo.config.base import Section


class MlflowTracking(Section):
    """MLflow mirrors the study; a null uri is the SQLite file beside the studies."""

    name: Literal["mlflow"]
    uri: str | None
    experiment: str

    @field_validator("uri")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        """It would stand in `study.yaml`, among MLflow's parameters and in every complaint."""
        if value is not None and re.match(r"[^/]*://[^/@]*:[^/]*@", value):
            raise ValueError(
                "a URI with a password would be stored with the study; a server takes both from "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (for a database, start "
                "`mlflow server`)"
            )
        return value


class NoTracking(Section):
    """Nothing is mirrored."""

    name: Literal["none"]


TrackingConfig = Annotated[MlflowTracking | NoTracking, Field(discriminator="name")]
