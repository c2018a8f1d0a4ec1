"""What an engine reports while it runs."""

from typing import Protocol

from corpuskit.manifest import Manifest, Marker
from pipelines.engine.phase import Item, Phase, Step


class Progress(Protocol):
    """Receives events; the cluster form calls `item_finished` from a thread of its own."""

    def phase_started(
        self, step: Step, phase: Phase, items_total: int, items_done: int, bytes_total: int, bytes_done: int
    ) -> None:
        """A phase begins; `*_done` was finished by earlier runs or other processes."""

    def item_finished(self, step: Step, phase: Phase, item: Item, marker: Marker) -> None:
        """An item has its marker, whichever process made it."""

    def phase_finished(self, step: Step, phase: Phase) -> None:
        """Every item of the phase has its marker."""

    def step_finished(self, step: Step, made: Manifest, skipped: bool) -> None:
        """A step has its manifest; `skipped`: it was there already, and nothing ran."""

    def worker_died(self, step: Step, phase: Phase, item: Item, reason: str) -> None:
        """A worker process ended in the middle of an item; `reason` is its signal or exit code."""

    def note(self, text: str) -> None:
        """Something the user may want to know."""


class Silent:
    """Reports nothing."""

    def phase_started(
        self, step: Step, phase: Phase, items_total: int, items_done: int, bytes_total: int, bytes_done: int
    ) -> None:
        """Ignore."""

    def item_finished(self, step: Step, phase: Phase, item: Item, marker: Marker) -> None:
        """Ignore."""

    def phase_finished(self, step: Step, phase: Phase) -> None:
        """Ignore."""

    def step_finished(self, step: Step, made: Manifest, skipped: bool) -> None:
        """Ignore."""

    def worker_died(self, step: Step, phase: Phase, item: Item, reason: str) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""
