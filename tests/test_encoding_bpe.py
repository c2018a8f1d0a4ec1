"""The BPE encoder: the ids of `tokenizers` for any merges, trained or not, and any texts."""

import gzip
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from encoded import DATA, HOSTILE, any_text, batch, lists, needs_data, real
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.tokenization import TokenizerConfig, train
from corpuskit.tokenization.bytelevel import byte_alphabet
from corpuskit.tokenization.encoding import BpeEncoder, batches
from corpuskit.tokenization.encoding import bpe as bpe_module
from corpuskit.tokenization.pretokens import pretokenize

ALPHABET = byte_alphabet()
Merge = tuple[bytes, bytes]


def spelled(text: bytes) -> str:
    return "".join(ALPHABET[byte] for byte in text)


class Vocabulary:
    """Merges of byte strings, in order, and the ids of all that they name; bytes are not 0 to 255."""

    def __init__(self, merges: Sequence[Merge], more: Sequence[bytes] = ()) -> None:
        self.merges = list(merges)
        texts = [bytes([byte]) for byte in range(256)]
        texts += [text for left, right in merges for text in (left, right, left + right)]
        self.ids = {text: 3 + number for number, text in enumerate(dict.fromkeys([*texts, *more]))}

    def encoder(self, **options: Any) -> BpeEncoder:
        byte_ids = [self.ids[bytes([byte])] for byte in range(256)]
        merges = np.array([(self.ids[left], self.ids[right]) for left, right in self.merges]).reshape(-1, 2)
        return BpeEncoder(byte_ids, merges, [self.ids[left + right] for left, right in self.merges], **options)

    def library(self, ignore_merges: bool = False) -> Any:
        from tokenizers import Tokenizer, models, pre_tokenizers

        names = {spelled(text): number for text, number in self.ids.items()} | {"": 0}
        merges = [(spelled(left), spelled(right)) for left, right in self.merges]
        made = Tokenizer(models.BPE(vocab=names, merges=merges, ignore_merges=ignore_merges))
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return made

    def slowly(self, word: bytes) -> list[int]:
        """BPE, as it is defined: the first merge of the list that there is, at the first place where it is."""
        ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        parts = [bytes([byte]) for byte in word]
        while True:
            found = [(ranks[pair], place) for place, pair in enumerate(itertools.pairwise(parts)) if pair in ranks]
            if not found:
                return [self.ids[part] for part in parts]
            place = min(found)[1]
            parts[place : place + 2] = [parts[place] + parts[place + 1]]


def check(vocabulary: Vocabulary, words: Sequence[str]) -> None:
    """Encode words one by one, from an empty cache and from a full one."""
    encoder = vocabulary.encoder()
    expected = [vocabulary.slowly(word.encode()) for word in words]
    for _ in range(2):
        assert lists(*encoder.encode(batch(words))) == expected


@st.composite
def random_merges(draw: st.DrawFn, letters: str) -> list[Merge]:
    """Merges in any order, several for a string, of parts that may have no merge or one that is listed later."""
    short = st.text(letters, min_size=1, max_size=4).map(str.encode)
    return draw(st.lists(st.tuples(short, short), max_size=30))


@st.composite
def grown_merges(draw: st.DrawFn, letters: str) -> list[Merge]:
    """Merges of what there is when they are listed, or in another order."""
    parts = [letter.encode() for letter in letters]
    merges = []
    for _ in range(draw(st.integers(0, 25))):
        merges.append((draw(st.sampled_from(parts)), draw(st.sampled_from(parts))))
        parts = list(dict.fromkeys([*parts, b"".join(merges[-1])]))
    return draw(st.permutations(merges)) if draw(st.booleans()) else merges


def merges_of(letters: str) -> st.SearchStrategy[list[Merge]]:
    return random_merges(letters) | grown_merges(letters)


@given(merges=merges_of("ab"), words=st.lists(st.text("ab", max_size=40), max_size=8))
@example(merges=[(b"a", b"a")], words=["a" * length for length in range(10)])
@example(merges=[(b"ab", b"a"), (b"a", b"b")], words=["aba", "abab", "bababa"])
@settings(max_examples=1500, deadline=None)
def test_two_letters(merges: list[Merge], words: list[str]) -> None:
    check(Vocabulary(merges), words)


@given(merges=merges_of("abc"), words=st.lists(st.text("abc", max_size=30), max_size=8))
@settings(max_examples=700, deadline=None)
def test_three_letters(merges: list[Merge], words: list[str]) -> None:
    check(Vocabulary(merges), words)


@given(merges=merges_of("a"), length=st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_one_letter(merges: list[Merge], length: int) -> None:
    check(Vocabulary(merges), ["a" * length])


@pytest.mark.parametrize("seed", range(4))
def test_every_word_of_few_letters(seed: int) -> None:
    """Grown merges in order, each pair once, against all words of 10 letters, cut out of one text."""
    generator = np.random.default_rng(seed)
    parts, merges = [b"a", b"b"], []
    for _ in range(24):
        left, right = (parts[number] for number in generator.integers(0, len(parts), 2))
        if (left, right) not in merges and len(left + right) < 8:
            merges.append((left, right))
            parts = list(dict.fromkeys([*parts, left + right]))
    check(Vocabulary(merges), ["".join(letters) for letters in itertools.product("ab", repeat=10)])


@given(merges=merges_of("ab "), texts=st.lists(st.text("ab é\n", max_size=30), max_size=5), ignore=st.booleans())
@settings(max_examples=300, deadline=None)
def test_ids_are_those_of_tokenizers(merges: list[Merge], texts: list[str], ignore: bool) -> None:
    vocabulary = Vocabulary(merges, [b" ab", b"aab", "é".encode(), b"ba\xc3", b" b" * 9])
    encoder = vocabulary.encoder(whole_words=vocabulary.ids if ignore else None)
    expected = [found.ids for found in vocabulary.library(ignore).encode_batch(texts)]
    assert lists(*encoder.encode(batch(texts))) == expected


def test_of_a_pair_that_is_listed_twice_the_last_place_counts() -> None:
    vocabulary = Vocabulary([(b"a", b"b"), (b"b", b"c"), (b"a", b"b")])
    assert vocabulary.encoder().encode(batch(["abc"]))[0].tolist() == vocabulary.library().encode("abc").ids
    assert vocabulary.slowly(b"abc") == [vocabulary.ids[b"a"], vocabulary.ids[b"bc"]]


def test_a_whole_word_is_a_token_that_merges_never_give() -> None:
    vocabulary = Vocabulary([(b"a", b"b")], [b"cab", b"x" * 40])
    ids = vocabulary.ids
    texts = batch(["cab", "cabcab", "x" * 40, "x" * 41])
    encoder = vocabulary.encoder(whole_words={b"cab": ids[b"cab"], b"x" * 40: ids[b"x" * 40]})
    x = [ids[b"x"]]
    expected = [[ids[b"cab"]], 2 * [ids[b"c"], ids[b"ab"]], [ids[b"x" * 40]], 41 * x]
    assert lists(*encoder.encode(texts)) == expected
    spans = encoder.encode_with_spans(texts)
    assert spans.ends[spans.offsets[1:] - 1].tolist() == [3, 6, 40, 41]


# --------------------------------------------------------------------------------------------------------- any text


def trained(texts: Sequence[str], size: int, words: str = "gpt2") -> tuple[BpeEncoder, Any]:
    """An encoder that corpuskit trained, and the same file in `tokenizers`."""
    config = TokenizerConfig(type="bpe", vocab_size=size, pretokenizer=words)
    return of_file(train(config, [pa.array(texts, pa.large_string())]).model, words)


def of_file(model: bytes, words: str = "gpt2") -> tuple[BpeEncoder, Any]:
    from tokenizers import Tokenizer

    fields = orjson.loads(model)["model"]
    ids = fields["vocab"]
    merges = np.array([(ids[left], ids[right]) for left, right in fields["merges"]], np.int64)
    merged = [ids[left + right] for left, right in fields["merges"]]
    return BpeEncoder([ids[letter] for letter in ALPHABET], merges, merged, words=words), Tokenizer.from_buffer(model)


@pytest.fixture(scope="module")
def hostile() -> tuple[BpeEncoder, Any]:
    return trained([text * 3 + " " + text for text in HOSTILE] * 3, 700)


@given(texts=st.lists(any_text, max_size=6))
@example(texts=HOSTILE)
@example(texts=[])
@settings(max_examples=200, deadline=None)
def test_hostile_texts(hostile: tuple[BpeEncoder, Any], texts: list[str]) -> None:
    encoder, library = hostile
    expected = [found.ids for found in library.encode_batch(texts)]
    assert lists(*encoder.encode(batch(texts))) == expected


@given(texts=st.lists(any_text, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_blocks_and_neighbours_do_not_matter(hostile: tuple[BpeEncoder, Any], texts: list[str]) -> None:
    encoder, _ = hostile
    together = lists(*encoder.encode(batch(texts)))
    assert [lists(*encoder.encode(batch([text])))[0] for text in texts] == together
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK", 7)
        assert lists(*encoder.encode(batch(texts))) == together


def test_parts_of_a_column(hostile: tuple[BpeEncoder, Any]) -> None:
    encoder, _ = hostile
    texts = batch(["a ab", "b", "", "aab 我家门前", "é"])
    part = Texts(texts.data, texts.offsets[1:5])
    assert lists(*encoder.encode(part)) == lists(*encoder.encode(texts))[1:4]


@given(texts=st.lists(any_text, max_size=5), words=st.sampled_from(["gpt2", "bert"]))
@settings(max_examples=100, deadline=None)
def test_spans(hostile: tuple[BpeEncoder, Any], texts: list[str], words: str) -> None:
    """They say which bytes each token stands for; words of `bert` have gaps between them."""
    merges = [(b"a", b"b"), (b"ab", b"a"), (b"\xe6", b"\x88"), (b"x", b"x")]
    vocabulary = Vocabulary(merges)
    encoder = vocabulary.encoder(words=words)
    found = encoder.encode_with_spans(batch(texts))
    assert lists(found.ids, found.offsets) == lists(*encoder.encode(batch(texts)))
    tokens = {number: text for text, number in vocabulary.ids.items()}
    spans = pretokenize(batch(texts), words)
    for row, text in enumerate(texts):
        mine = slice(found.offsets[row], found.offsets[row + 1])
        pieces = [text.encode()[a:b] for a, b in zip(found.starts[mine], found.ends[mine], strict=True)]
        assert pieces == [tokens[number] for number in found.ids[mine].tolist()]
        inside = spans.lengths()[spans.offsets[row] : spans.offsets[row + 1]]
        assert sum(map(len, pieces)) == inside.sum()


def test_caches_of_few_entries_change_nothing(hostile: tuple[BpeEncoder, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, library = hostile
    texts = [text * 2 for text in HOSTILE] * 3
    monkeypatch.setattr(bpe_module, "CACHED_WORDS", 2)
    small = of_file(library.to_str().encode())[0]
    assert small._cache.size < encoder._cache.size
    assert lists(*small.encode(batch(texts))) == lists(*encoder.encode(batch(texts)))


@pytest.mark.parametrize("length", range(1, 20))
@pytest.mark.parametrize("tail", ["", " and so on, for more than sixteen bytes"])
def test_words_of_one_length_that_differ_in_one_byte(length: int, tail: str) -> None:
    """They must not share an entry of the cache, be they the last bytes of the data or not."""
    vocabulary = Vocabulary([(b"a", b"b"), (b"b", b"a"), *((b"a" * size, b"a" * size) for size in (1, 2, 4))])
    encoder = vocabulary.encoder()
    for place in range(length + 1):
        word = ("a" * place + "b" + "a" * length)[:length]
        found = encoder.encode(batch([word + tail]))[0].tolist()
        assert found[: len(vocabulary.slowly(word.encode()))] == vocabulary.slowly(word.encode())


def test_more_pairs_of_neighbours_than_verdicts_are_kept() -> None:
    """Pairs whose verdicts have one place must not take each other's: 300,000 pairs for 65,536 places."""
    letters = [bytes([byte]) for byte in b"abcdefghijklmnopqrstuvwxyz"]
    generator = np.random.default_rng(5)
    tokens, merges = letters, []
    for _ in range(900):
        merges.append(tuple(tokens[number] for number in generator.integers(0, len(tokens), 2)))
        tokens = list(dict.fromkeys([*tokens, b"".join(merges[-1])])) if len(b"".join(merges[-1])) < 12 else tokens
    vocabulary = Vocabulary(merges)
    chosen = generator.integers(0, len(tokens), 600_000)
    text = b"".join(tokens[number] for number in chosen).decode()
    ids, _ = vocabulary.encoder().encode(batch([text]))
    assert len({*itertools.pairwise(ids.tolist())}) > 1 << 17
    assert ids.tolist() == vocabulary.library().encode(text).ids


# -------------------------------------------------------------------------------------------------------- long words


def long_words() -> Iterator[str]:
    letters = np.random.default_rng(3)
    yield "a" * 1_000_000
    yield "ab" * 300_000
    for alphabet in ("ab", "abcdefghijklmnopqrstuvwxyz"):
        yield "".join(letters.choice(list(alphabet), 1_000_000))
    yield "".join(map(chr, letters.integers(0x4E00, 0x5000, 100_000)))


@pytest.mark.parametrize("text", long_words(), ids=["one letter", "two in turn", "two", "many", "Chinese"])
def test_words_as_long_as_a_document(text: str) -> None:
    """The library keeps pairs in a heap, so that it encodes such words, too."""
    encoder, library = trained([text[:3000], text[:40] * 5], 600)
    assert pretokenize(batch([text]), "gpt2").starts.size == 1
    ids, offsets = encoder.encode(batch([text]))
    assert offsets.tolist() == [0, len(ids)]
    assert ids.tolist() == library.encode(text).ids


def test_a_boundary_that_is_decided_at_the_end_of_the_word() -> None:
    """The whole word must be gone back over, and once only: quadratic time would be minutes."""
    doubled = [(b"a" * 2**power, b"a" * 2**power) for power in range(6)]
    vocabulary = Vocabulary([(b"a", b"b"), *doubled])
    word = "a" * 200_000 + "b"
    ids = vocabulary.encoder().encode(batch([word, "a" * 77 + "b"]))[0].tolist()
    assert ids == vocabulary.library().encode(word).ids + vocabulary.slowly(b"a" * 77 + b"b")


# --------------------------------------------------------------------------------------------------------- real text


def many_languages(size: int) -> list[str]:
    """The first verses of each of 46 translations, one document each, about `size` characters in all."""
    paths = sorted((DATA / "bible_nt" / "verses").glob("*.gz"))
    return [gzip.decompress(path.read_bytes()).decode()[: size // len(paths)] for path in paths]


def some_of(name: str, size: int) -> list[str]:
    return many_languages(size) if name == "bible_nt" else [text[:200_000] for text in real(name, size)]


@needs_data
@pytest.mark.parametrize(
    ("name", "words", "size"),
    [
        ("eltec_eng", "gpt2", 8192),
        ("eltec_eng", "o200k", 30_000),
        ("zh_modern", "gpt2", 4000),
        ("zh_modern", "gpt4", 20_000),
        ("bible_nt", "gpt2", 20_000),
        ("bible_nt", "o200k", 60_000),
    ],
)
def test_real_texts(name: str, words: str, size: int) -> None:
    texts = some_of(name, 4_000_000)
    encoder, library = trained(texts, size, words)
    ids, offsets = encoder.encode(batch(texts))
    expected = library.encode_batch_fast(texts)
    for row, found in enumerate(expected):
        assert np.array_equal(ids[offsets[row] : offsets[row + 1]], found.ids)


@needs_data
@pytest.mark.parametrize("name", ["eltec_eng", "zh_modern", "bible_nt"])
def test_a_file_that_tokenizers_trained(name: str) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    texts = some_of(name, 1_500_000)
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=9000, initial_alphabet=ALPHABET, show_progress=False)
    library.train_from_iterator(texts, trainer)
    encoder, again = of_file(library.to_str().encode())
    expected = [found.ids for found in again.encode_batch_fast(texts)]
    assert lists(*encoder.encode(batch(texts))) == expected


# ------------------------------------------------------------------------------------------------------------ errors


def test_what_no_vocabulary_is() -> None:
    bytes_ = range(256)
    with pytest.raises(ValueError, match="255 bytes of 256"):
        BpeEncoder(range(255), np.zeros((0, 2)), [])
    with pytest.raises(ValueError, match="1 merges with 0 results"):
        BpeEncoder(bytes_, np.array([[0, 1]]), [])
    with pytest.raises(ValueError, match="a whole word has no bytes"):
        BpeEncoder(bytes_, np.zeros((0, 2)), [], whole_words={b"": 256})
    with pytest.raises(InputError, match=r"id 254 .* both b'\\xfe' and b'\\xff'"):
        BpeEncoder([*range(255), 254], np.zeros((0, 2)), [])
    with pytest.raises(InputError, match=r"id 256 .* both b'ab' and b'ba'"):
        BpeEncoder(bytes_, np.array([[97, 98], [98, 97]]), [256, 256])
    with pytest.raises(InputError, match=r"ids 256 and 257 .* both stand for b'aaa'"):
        BpeEncoder(bytes_, np.array([[97, 97], [97, 258], [258, 97]]), [258, 256, 257])
    with pytest.raises(InputError, match=r"ids 97 and 300 .* both stand for b'a'"):
        BpeEncoder(bytes_, np.zeros((0, 2)), [], whole_words={b"a": 300})
    with pytest.raises(InputError, match="run from -1 to 255"):
        BpeEncoder(bytes_, np.array([[-1, 0]]), [0])
    with pytest.raises(InputError, match="run from 0 to 2097152"):
        BpeEncoder(bytes_, np.array([[0, 1]]), [1 << 21])
    doubled = np.array([[97, 97]] + [[number, number] for number in range(256, 290)])
    with pytest.raises(InputError, match="has 8192 bytes, more than 4096"):
        BpeEncoder(bytes_, doubled, range(256, 291))
    growing = np.array([[97, 97]] + [[number, 97] for number in range(256, 4350)])
    with pytest.raises(InputError, match="more than 8388608 bytes together"):
        BpeEncoder(bytes_, growing, range(256, 4351))
    with pytest.raises(InputError, match="no pre-tokenizer is called 'gtp2'"):
        BpeEncoder(bytes_, np.zeros((0, 2)), [], words="gtp2")
