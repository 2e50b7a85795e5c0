"""Model from code for MLflow: what `mlflow.pyfunc` runs when it loads a registered version. No pickle is involved.

Input: one row per entity, columns `x` and `x__z` for each profile column of the model (value and deviation; NaN is
unknown), as `input_example` shows. Output: `score`, `percentile`, `base` and one contribution per profile column.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from training.bundle import Bundle
from training.flat import profiles_of, scored_rows


class GnomonModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Loads the verified bundle and scores with it."""

    def load_context(self, context: Any) -> None:
        """Read the bundle that the run logged; refuses a changed one."""
        self.bundle = Bundle.load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Scores and contributions, in the order of the rows."""
        profiles = profiles_of(model_input, self.bundle.entity, self.bundle.columns, datetime.now(UTC))
        return scored_rows(self.bundle.score(profiles))


mlflow.models.set_model(GnomonModel())
