"""How texts are cut into tokens, to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from corpuskit.tokenization.tokenizer import Tokenizer

SENTENCES: dict[str, str] = {
    "English": "The tokenizers weren't unhappily re-trained; they'd misjudged 3 of 12 internationalisation issues.",
    "Chinese": "这座城市的图书馆在二〇二四年重新开放，每天有三千多名读者。",
    "German": "Die Donaudampfschifffahrtsgesellschaft veröffentlichte gestern ihre Geschäftsergebnisse.",
    "Finnish": "Kirjastoissammekin juoksentelisinkohan vielä huomenaamulla?",
    "Turkish": "Evlerimizdekilerden bazıları çocuklarımıza kitap okuyor.",
    "Spanish": "¿Cuántas veces habíamos estado aquí, junto al río, antes del año pasado?",
    "Russian": "Вчера вечером мы долго гуляли по набережной и разговаривали о книгах.",
    "Arabic": "افتتحت المدينة مكتبة جديدة يزورها آلاف القراء كل يوم.",
    "Hindi": "नई लाइब्रेरी में हर दिन हज़ारों पाठक आते हैं।",
    "Japanese": "昨日、図書館で面白い本を三冊借りました。",
    "Korean": "어제 도서관에서 재미있는 책을 세 권 빌렸습니다.",
    "Thai": "เมื่อวานนี้ฉันยืมหนังสือสามเล่มจากห้องสมุด",
    "Python": "def mean(values: list[float]) -> float:\n    return sum(values) / len(values)  # may fail\n",
    "Numbers": "In 2024 it cost 1,234.50 or 1234567 units, i.e. 0.98e-3 of 299792458.",
    "Emoji": "Done 👍🏽 by 👩‍👩‍👧 in 🇫🇮!",
}
"""Sentences that are shown where none are given: scripts, inflection, code, numbers."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One token of a text."""

    id: int
    hex: str
    """Its bytes."""


def segments(tokenizer: Tokenizer, texts: Sequence[str]) -> list[tuple[Segment, ...]]:
    """Return the tokens of each text."""
    tokens = tokenizer.tokens()
    lists = tokenizer.encode(pa.array(texts, pa.large_string())).to_pylist()
    return [tuple(Segment(id=index, hex=tokens[index].hex()) for index in own) for own in lists]
