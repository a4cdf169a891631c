"""A row of the benchmark's table: what is compared, what it should show, and how it is measured."""
import time
from dataclasses import dataclass
from typing import Callable

from measure import Unavailable


@dataclass
class Row:
    name: str
    measure: Callable  # returns a dict with "value", the ratio of the row, and whatever else is worth keeping
    least: float | None = None  # what value has to be at least
    most: float | None = None  # or at most

    def measured(self):
        """Measures the row. What cannot be measured here is said, never raised."""
        began = time.monotonic()
        out = {"name": self.name, "least": self.least, "most": self.most, "value": None}
        try:
            out |= self.measure()
        except Unavailable as why:
            out["missing"] = str(why)
        out["seconds"] = round(time.monotonic() - began, 1)
        return out
