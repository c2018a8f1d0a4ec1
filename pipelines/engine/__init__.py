"""Runs the phases of steps: on this machine, or on any Beam runner.

    Step = phases in order, then one manifest           phase.py     what an engine runs
      Phase = a map over items; a barrier after it
        Item -> attempts -> files, then a marker

    Engine.run(step)                                    engine.py    skip or resume, barrier, manifest last
      local: a queue in this process                    local.py     largest first; retries; slices
        Job: what to try next for one item              jobs.py      retry -> bisect -> run without the poison
        worker processes, one pipeline an item          pool.py, worker.py, item.py
        claims with a heartbeat                         claims.py    several processes may share a folder
      any other runner: one Beam pipeline a step        cluster.py
    status, plan                                        state.py     read markers and claims, run nothing

Neither this package nor its local engine's parent process imports Beam: only workers and the cluster form do.
"""

from pipelines.engine.engine import Engine
from pipelines.engine.options import EngineOptions, parse_slice, worker_memory
from pipelines.engine.phase import Attempt, Item, Phase, Step
from pipelines.engine.progress import Progress, Silent
from pipelines.engine.state import PhaseStatus, Plan, plan, status

__all__ = [
    "Attempt",
    "Engine",
    "EngineOptions",
    "Item",
    "Phase",
    "PhaseStatus",
    "Plan",
    "Progress",
    "Silent",
    "Step",
    "parse_slice",
    "plan",
    "status",
    "worker_memory",
]
