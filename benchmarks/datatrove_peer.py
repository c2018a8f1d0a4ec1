"""Times steps of datatrove; runs in a process that imports nothing of corpuskit's."""

import importlib.metadata
import json
import sys
import time
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter

STEPS = {
    step.__name__: step
    for step in (
        GopherRepetitionFilter,
        GopherQualityFilter,
        C4QualityFilter,
        FineWebQualityFilter,
        FTFYFormatter,
        PIIFormatter,
    )
}


def run(steps: list[Any], document: Document) -> str:
    """Put a document through filters and formatters until one drops it; return its reason, empty where none does."""
    for step in steps:
        if hasattr(step, "format"):
            document.text = step.format(document.text)
            continue
        verdict = step.filter(document)
        if verdict is not True:
            return str(verdict[1])
    return ""


def main(*names: str) -> None:
    """Read a JSON list of texts, put each through the steps, write seconds, reasons and version as JSON."""
    texts = json.load(sys.stdin)
    steps = [STEPS[name]() for name in names]
    documents = [Document(text=text, id=str(index)) for index, text in enumerate(texts)]
    for step in steps:
        run([step], Document(text="Here it loads spaCy, once.", id=""))
    started = time.process_time()  # once: datatrove keeps the words of the last texts
    reasons = [run(steps, document) for document in documents]
    seconds = time.process_time() - started
    version = importlib.metadata.version("datatrove")
    json.dump({"seconds": seconds, "reasons": reasons, "version": version}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
