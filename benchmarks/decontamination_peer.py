"""Times datatrove's n-gram decontamination; runs in a process that imports nothing of corpuskit's."""

import importlib.metadata
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import ngrams, simplify_text

NGRAM = 13


def main() -> None:
    """Read {"items": […], "texts": […]}; write seconds, which texts were dropped, and version as JSON.

    The index is written as `NGramsDecontIndexer` does, which needs lighteval to be installed. Hashes are SHA-1: its
    default gives text to xxhash, which xxhash 4 refuses.
    """
    given = json.load(sys.stdin)
    config = NGramsDecontConfig(n_grams=NGRAM, hash_config=HashConfig(hash_fc="sha1"))
    with tempfile.TemporaryDirectory() as folder:
        step = NGramsDecontFilter(folder, config)
        hashes = {
            step.hash_func(" ".join(found))
            for item in given["items"]
            for found in ngrams(step.tokenizer.word_tokenize(simplify_text(item, config.norm_config)), NGRAM)
        }
        np.array(sorted(hashes), dtype=config.hash_config.np_descr).tofile(Path(folder, "items.index.hashes"))
        documents = [Document(text=text, id=str(index)) for index, text in enumerate(given["texts"])]
        step.filter(Document(text="Here it loads its words and its index, once.", id=""))
        started = time.process_time()
        dropped = [step.filter(document) is not True for document in documents]
        seconds = time.process_time() - started
    version = importlib.metadata.version("datatrove")
    json.dump({"seconds": seconds, "dropped": dropped, "version": version}, sys.stdout)


if __name__ == "__main__":
    main()
