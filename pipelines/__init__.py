"""Apache Beam: ingest -> annotate -> dedup -> select -> train tokenizer -> encode, as phases over files.

Each module turns one part of a recipe and the manifests before it into a `Step`; `pipelines.engine` runs steps. Payload
travels through files, Beam carries the names of items only.
"""
