"""Where sentences lie: as many as are counted, in order, with the marks and quotes that are theirs."""

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_kernels_words import TEXT, pieces

from corpuskit.kernels import Texts
from corpuskit.kernels.sentence_spans import scan_sentences
from corpuskit.kernels.sentences import OTHER, character_classes, count_sentences

MARKED = st.lists(
    st.sampled_from(["a", "Bc", "é", "中", ". ", ".", "!", '?"', ' "', "。", "”", "「", "\n", " ", "Mr. "])
)


def sentences(*documents: str) -> list[list[str]]:
    texts = Texts.from_arrow(pa.array(documents, pa.large_string()))
    return pieces(texts, scan_sentences(texts))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ... \n", []),
        ("One. Two!  Three?", ["One.", "Two!", "Three?"]),
        ("No end\nhere it is \r\n", ["No end", "here it is"]),
        ('He said "Go." Then "Stop!" she said.', ['He said "Go."', 'Then "Stop!"', "she said."]),
        ('One. "Two." (Three.)', ["One.", '"Two."', "(Three.)"]),
        ("Mr. J. Smith of the U.S. came... and went. End", ["Mr. J. Smith of the U.S. came... and went.", "End"]),
        ("他来了。“好吗？！”她说。完", ["他来了。", "“好吗？！”", "她说。", "完"]),
        ("Wait!!! What?!", ["Wait!!!", "What?!"]),
    ],
)
def test_sentences_have_their_marks_and_quotes(text: str, expected: list[str]) -> None:
    assert sentences(text) == [expected]


@given(st.lists(MARKED.map("".join) | TEXT, max_size=6))
@example(["。。", "a。)。b", ". a", '" "a'])
def test_there_are_as_many_as_are_counted_and_all_text_is_in_one(documents: list[str]) -> None:
    texts = Texts.from_arrow(pa.array(["x. ", *documents, " y."], pa.large_string()).slice(1, len(documents)))
    spans = scan_sentences(texts)
    assert spans.counts().tolist() == count_sentences(texts).tolist()
    classes = character_classes()
    for row, text in enumerate(documents):
        data, base = text.encode(), int(texts.offsets[row])
        own = range(spans.offsets[row], spans.offsets[row + 1])
        ranges = [(int(spans.starts[span]) - base, int(spans.ends[span]) - base) for span in own]
        assert all(0 <= start < end <= len(data) for start, end in ranges)
        assert all(before[1] <= after[0] for before, after in pairwise(ranges))
        outside = b"".join(
            data[end:start] for (_, end), (start, _) in zip([(0, 0), *ranges], [*ranges, (len(data), 0)], strict=True)
        )
        assert all(classes[ord(character)] != OTHER for character in outside.decode())
        found = [data[start:end].decode() for start, end in ranges]
        assert found == [sentence.strip(" \t\n\r\v\f") for sentence in found]
