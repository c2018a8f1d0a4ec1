"""Times one of datatrove's steps; runs in a Python that has datatrove, apart from corpuskit's."""

import importlib.metadata
import json
import sys
import time
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter

STEPS = {step.__name__: step for step in (GopherQualityFilter, C4QualityFilter, FTFYFormatter, PIIFormatter)}


def run(step: Any, document: Document) -> None:
    """Put a document through a filter or a formatter."""
    if hasattr(step, "format"):
        step.format(document.text)
    else:
        step.filter(document)


def main(name: str) -> None:
    """Read a JSON list of texts, put them through a step, write seconds and version as JSON."""
    texts = json.load(sys.stdin)
    step = STEPS[name]()
    documents = [Document(text=text, id=str(index)) for index, text in enumerate(texts)]
    run(step, Document(text="Here it loads spaCy, once.", id=""))
    started = time.process_time()  # once: datatrove keeps the words of the last texts
    for document in documents:
        run(step, document)
    seconds = time.process_time() - started
    json.dump({"seconds": seconds, "version": importlib.metadata.version("datatrove")}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
