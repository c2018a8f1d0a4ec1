r"""The natural-language quality signals of RedPajama-V2.

Source: Weber et al. 2024 (arXiv 2411.12372), appendix, and the code that computed them
(github.com/togethercomputer/RedPajama-Data, `app/src/core/quality_signals`), whose names they bear without
`rps_doc_` and `rps_lines_`. Three things are counted:

* Words: of the normal form (without the 32 punctuation marks of ASCII, in small letters, NFD), those of `str.split()`.
* Tokens: of the text as it is, matches of `\w+|[^\w\s]+`.
* Lines: of the text as it is, each with its line feed; a text that ends with one has no empty line after it. Signals
  of lines are means over the lines of a document.

Where this differs from that code:

* Values are not rounded to 8 digits, but once to float32.
* A document without lines has no value for signals of lines; there, it has none or an empty list.
* `lorem ipsum` is looked for as it is; there, Python's IGNORECASE also takes it with a dotless i or a long s in a
  document that has it once without.
* The words of n-grams are told apart by 64-bit hashes.
* Stop words are those of one language for all documents: the English ones by default, or a list of the recipe's.
* What needs more than the text is elsewhere: `word_list` counts bad words, `url` looks up block lists.
"""

from corpuskit.signals.redpajama.group import REDPAJAMA, RedPajamaConfig

__all__ = ["REDPAJAMA", "RedPajamaConfig"]
