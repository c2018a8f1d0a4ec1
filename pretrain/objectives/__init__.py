"""What a model learns from a row: causal, masked."""

from pretrain.objectives.causal import CAUSAL
from pretrain.objectives.masked import MASKED
from pretrain.objectives.objective import IGNORED, Objective, Place

OBJECTIVES: dict[str, Objective] = {
    "causal": CAUSAL,
    "masked": MASKED,
}
"""Every objective by the name that a recipe uses."""

__all__ = ["IGNORED", "OBJECTIVES", "Objective", "Place"]
