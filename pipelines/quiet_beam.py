"""Apache Beam, imported without changing the root logger.

Importing Beam without its GCP extra logs a warning through `logging.warning`, which also installs a handler on the root
logger. Import `beam` from here so that a program's logging stays its own.
"""

import logging

_root = logging.getLogger()
_handlers, _disabled = list(_root.handlers), _root.manager.disable
logging.disable(logging.WARNING)
try:
    import apache_beam as beam
    from apache_beam.coders import Coder, typecoders
    from apache_beam.metrics import Metrics
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
finally:
    logging.disable(_disabled)
    _root.handlers[:] = _handlers

__all__ = ["Coder", "FnApiRunner", "Metrics", "PipelineOptions", "beam", "typecoders"]
