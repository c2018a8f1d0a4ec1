"""Documents and bytes by language and by source, of the corpus and of each variant."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

MOST_NAMES = 5_000
"""Names that are told apart; documents of later ones are counted together."""
OTHERS = "others"


@dataclass(eq=False)
class Breakdown:
    """Sums by the value of one column."""

    title: str
    """What the values are: `language`, `source`."""
    sums: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    """Value -> variant ("" for the whole corpus) -> documents and bytes, int64[2]."""

    def add(self, names: pa.Array, variant: str, rows: np.ndarray | None, sizes: np.ndarray) -> None:
        """Count one split.

        Args:
            names: the column, n values; null counts as `–`.
            variant: whose documents are counted; empty: all.
            rows: which documents are in the variant, bool[n]; None for all.
            sizes: bytes, int64[n].
        """
        table = pa.table({"name": names, "bytes": sizes})
        if rows is not None:
            table = table.filter(pa.array(rows))
        for row in table.group_by("name").aggregate([("bytes", "count"), ("bytes", "sum")]).to_pylist():
            name = "–" if row["name"] is None else str(row["name"])
            if name not in self.sums and len(self.sums) >= MOST_NAMES:
                name = OTHERS
            sums = self.sums.setdefault(name, {})
            sums[variant] = sums.get(variant, np.zeros(2, np.int64)) + np.array([row["bytes_count"], row["bytes_sum"]])

    def largest(self, count: int) -> Iterable[tuple[str, dict[str, np.ndarray]]]:
        """Return the values with the most documents, most first, and the rest of them as one."""
        ranked = sorted(self.sums.items(), key=lambda pair: (-int(pair[1].get("", [0])[0]), pair[0]))
        rest: dict[str, np.ndarray] = {}
        for _, sums in ranked[count:]:
            for variant, pair in sums.items():
                rest[variant] = rest.get(variant, np.zeros(2, np.int64)) + pair
        return [*ranked[:count], *([(OTHERS, rest)] if rest else [])]
