"""Times datatrove's deduplication of spans of three sentences; runs in a process that imports nothing of corpuskit's.

`python cuts_peer.py SOURCE FOLDER` reads the JSONL files of a folder, writes to another one, and prints JSON: the
processor seconds of its three stages, and its version.
"""

import importlib.metadata
import json
import sys
import time

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import sentence_dedup
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import split_into_sentences


def main(source: str, folder: str) -> None:
    """Sign the sentences, find duplicates, write the documents that are left."""
    split_into_sentences("Here it loads its words. Once.", "eng")
    # its default hash takes `str`, which xxhash 4 refuses
    config = sentence_dedup.SentDedupConfig(hash_config=HashConfig(hash_fc="sha1"))
    started = time.process_time()
    stages = (
        [JsonlReader(source), sentence_dedup.SentenceDedupSignature(f"{folder}/signatures", config=config)],
        [sentence_dedup.SentenceFindDedups(f"{folder}/signatures", f"{folder}/duplicates", config=config)],
        [
            JsonlReader(source),
            sentence_dedup.SentenceDedupFilter(f"{folder}/duplicates", config=config),
            JsonlWriter(f"{folder}/left"),
        ],
    )
    for stage in stages:
        LocalPipelineExecutor(stage, tasks=1, workers=1, logging_dir=None).run()
    print(json.dumps({"seconds": time.process_time() - started, "version": importlib.metadata.version("datatrove")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
