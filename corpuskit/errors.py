"""Every exception that a user can cause.

* CorpuskitError                exit code 2: one clear message, no traceback
  x RecipeError                 a field of a recipe: where, what was given, what was expected
  x InputError                  a file or folder of the user: missing, unreadable, of an unknown kind
    - TooManyErrors             more malformed records than `max_error_rate` allows
  x ArtifactError               something corpuskit made: no manifest, another kind, another format version
    - CorruptArtifact           checksums, row counts or keys that do not match the manifest
  x MissingExtra                a package of an extra (`train`, `report`, `web`) is not installed
  x StepFailed                  an item of a step raised or killed its worker again and again
  x NotReady                    exit code 75: a slice whose phase is not open yet; try again later
"""

import difflib
from collections.abc import Iterable


class CorpuskitError(Exception):
    """Base of every error that a user can cause; the command line prints it without a traceback."""

    exit_code = 2


class RecipeError(CorpuskitError):
    """A recipe field is wrong; `path` is its place in the file, such as `variants.strict.rules[2].max`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class InputError(CorpuskitError):
    """An input of the user is missing, unreadable or of an unknown kind."""


class TooManyErrors(InputError):
    """More records are malformed than `max_error_rate` allows."""


class ArtifactError(CorpuskitError):
    """A folder or file is not the corpuskit artifact that was expected there."""


class CorruptArtifact(ArtifactError):
    """An artifact's bytes, rows or keys do not match its manifest."""


class MissingExtra(CorpuskitError):
    """A package is missing that one of corpuskit's extras installs."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package}: pip install 'corpuskit[{extra}]'")


class StepFailed(CorpuskitError):
    """An item of a step failed for good; the message names the item, the error and the log file."""


class NotReady(CorpuskitError):
    """A slice's phase is not open yet: markers of the phase before are missing."""

    exit_code = 75


MOST_KNOWN = 40
"""Known names that a message lists; of more, those before the first dot: groups of signals."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the known name closest to `name`, else the list of what is known."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    if len(known) > MOST_KNOWN:
        known = [f"{group}.*" if f"{group}." in one else one for group, one in _groups(known).items()]
    return f"; known: {', '.join(known) or 'none'}"


def _groups(known: Iterable[str]) -> dict[str, str]:
    """Return one name of each group, what comes before its first dot, by group; a name with a dot rather than none."""
    return {one.split(".")[0]: one for one in known}
