"""Times datatrove's Gopher filter; runs in a Python that has datatrove, apart from corpuskit's."""

import importlib.metadata
import json
import sys
import time

from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter


def main() -> None:
    """Read a JSON list of texts, filter them, write seconds and version as JSON."""
    texts = json.load(sys.stdin)
    quality = GopherQualityFilter()
    documents = [Document(text=text, id=str(index)) for index, text in enumerate(texts)]
    quality.filter(Document(text="It loads spaCy.", id=""))
    started = time.process_time()  # once: datatrove keeps the words of the last texts
    for document in documents:
        quality.filter(document)
    seconds = time.process_time() - started
    json.dump({"seconds": seconds, "version": importlib.metadata.version("datatrove")}, sys.stdout)


if __name__ == "__main__":
    main()
