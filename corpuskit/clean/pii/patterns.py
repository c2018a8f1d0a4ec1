r"""What counts as personal data: a pattern over UTF-8 bytes for each kind, and what else must hold.

The rules prefer precision: what may as well be a version, a price, a date or an order number is left alone. Only ASCII
digits count (neither full-width nor Arabic ones). Letters of U+00C0 to U+04FF (Latin, Greek, Cyrillic) are part of an
e-mail address as ASCII letters are; all other characters, Chinese ones first of all, end it ("邮箱a@b.cn联系"). What is
hidden from machines on purpose ("name at example dot com") is not looked for.

Patterns run over bytes, so that texts are neither copied nor decoded and positions are byte offsets. Repetitions are
possessive or bounded: no input makes them backtrack far. What a pattern refuses to stand before (a letter, a dash and
a digit, …) the patterns that begin so refuse to stand behind; otherwise each mask could set the one before it free, and
a long text would be searched again and again.

Kept libraries: phonenumbers needs the region of a number without +, which no text tells; presidio and scrubadub work
through every document in Python; detect-secrets judges lines of source code.
"""

import ipaddress
import re
from collections.abc import Callable

from corpuskit.clean.pii.candidates import (
    API_TOKEN,
    CREDIT_CARD,
    EMAIL,
    IP_ADDRESS,
    MAX_DOMAIN,
    MAX_LOCAL,
    PHONE,
    PRIVATE_KEY,
)

NOWHERE = -1
"""What a matcher returns where nothing matches."""

Matcher = Callable[[bytearray, int], int]
"""(UTF-8 text, byte offset) -> the offset after what matches there, or NOWHERE."""


def _compiled(*parts: str) -> re.Pattern[bytes]:
    """Compile a pattern over UTF-8; characters beyond ASCII may stand outside of character classes only."""
    return re.compile("".join(parts).encode())


BOUNDARY = r"-----{} (?:[A-Z0-9]{{1,20}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----"
"""Encapsulation boundaries of RFC 7468 and, with BLOCK, of OpenPGP (RFC 9580, section 6.2)."""
KEY_HEADER = _compiled(BOUNDARY.format("BEGIN"))
KEY_FOOTER = _compiled(BOUNDARY.format("END"))
KEY_LINE = _compiled(r"[A-Za-z0-9+/]{40}")
"""What a key has somewhere: base64 goes in lines of 64 (RFC 7468) or 76 characters."""
KEY_LINES = _compiled(r"(?:(?:\s|\\[nr]){1,8}+(?:[A-Za-z0-9+/]{20,}+={0,2}|[A-Za-z0-9+/]{1,19}+={1,2}))*+")
"""Base64 after a header whose footer is missing; white space may be written as an escape, as in JSON."""
MAX_KEY = 32_768
"""Longest private key in bytes, footer excluded; RSA with 16,384 bits takes 12,700."""


def _match_private_key(text: bytearray, start: int) -> int:
    header = KEY_HEADER.match(text, start)
    if not header:
        return NOWHERE
    limit = header.end() + MAX_KEY
    dashes = text.find(b"-----", header.end(), limit)
    footer = KEY_FOOTER.match(text, dashes) if dashes >= 0 else None
    lines = footer or KEY_LINES.match(text, header.end(), limit)
    end = lines.end() if lines else header.end()
    return end if KEY_LINE.search(text, header.end(), end) else NOWHERE


TOKEN_SHAPES = (
    # AWS access key ids: docs.aws.amazon.com/IAM, "Unique identifiers"; base32. A word in capitals has no digit.
    r"AKIA[A-Z2-7]{16}",
    r"ASIA(?=[A-Z]*[2-7])[A-Z2-7]{16}",
    # GitHub: github.blog/changelog 2021-03-31, up to 255 characters; fine-grained tokens have two parts.
    r"gh[pousr]_[A-Za-z0-9]{36,251}",
    r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    # GitLab: docs.gitlab.com, "Token prefixes"; routable tokens end with a length and a checksum.
    r"glpat-[A-Za-z0-9_-]{20,300}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7})?",
    # Slack: api.slack.com, "Token types".
    r"xox[abeoprs]-[0-9]{1,14}-[A-Za-z0-9-]{8,250}",
    # Google API keys.
    r"AIza[A-Za-z0-9_-]{35}",
    # Stripe: docs.stripe.com/keys; live secret and restricted keys: test keys open nothing.
    r"[sr]k_live_[A-Za-z0-9]{20,247}",
    # OpenAI: the base64 of "OpenAI" stands in the middle.
    r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{58,74}T3BlbkFJ[A-Za-z0-9_-]{58,74}",
    # Anthropic: API and admin keys, OAuth tokens.
    r"sk-ant-[a-z]{3,5}[0-9]{2}-[A-Za-z0-9_-]{40,300}",
    # npm: github.blog 2021-09-23, "Announcing npm's new access token format".
    r"npm_[A-Za-z0-9]{36}",
    # PyPI: a macaroon whose location is pypi.org or test.pypi.org.
    r"pypi-(?:AgEIcHlwaS5vcmc|AgENdGVzdC5weXBpLm9yZw)[A-Za-z0-9_-]{50,1000}",
    # Hugging Face: mixed case, unlike names of C variables.
    r"hf_(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{34}",
    # JSON web tokens: RFC 7519, section 3.1; header and claims are JSON objects, `{"` in base64url.
    r"eyJ[A-Za-z0-9_-]{10,4096}+\.eyJ[A-Za-z0-9_-]{10,8192}+\.[A-Za-z0-9_-]{10,2048}+",
)
"""Shapes without vendors' documentation are those that gitleaks (github.com/gitleaks/gitleaks) looks for."""

HIGH = r"[\xc3-\xd3][\x80-\xbf]"
"""U+00C0 to U+04FF."""
NOT_IN_WORD = rf"(?<![A-Za-z0-9_%+])(?<!{HIGH})"
TOKEN = _compiled(NOT_IN_WORD, "(?:", "|".join(TOKEN_SHAPES), r")(?![A-Za-z0-9_])")


def _match_token(text: bytearray, start: int) -> int:
    token = TOKEN.match(text, start)
    return token.end() if token else NOWHERE


LABEL_PART = rf"(?:[A-Za-z0-9]|{HIGH}){{1,63}}+"
LABEL = rf"{LABEL_PART}(?:-{{1,2}}{LABEL_PART}){{0,8}}+"
ATOM = rf"(?:[A-Za-z0-9_%+]|{HIGH})++"
EMAIL_ADDRESS = _compiled(
    rf"{NOT_IN_WORD}(?P<local>{ATOM}(?:(?:[.']|-{{1,2}}){ATOM})*+)",
    rf"@(?![0-9]x\.)(?P<domain>(?:{LABEL}\.){{1,8}}(?:xn--[A-Za-z0-9-]{{2,59}}|(?:[A-Za-z]|{HIGH}){{2,24}}))",
    rf"(?![A-Za-z0-9_@]|{HIGH})",
)
"""The addresses people write: RFC 5321 without quoted local parts, address literals and rare symbols, with at least
two labels and a top-level domain of letters. `icon@2x.png` is a picture for displays of twice the density."""


def _match_email(text: bytearray, start: int) -> int:
    email = EMAIL_ADDRESS.match(text, start)
    if not email or len(email["local"]) > MAX_LOCAL or len(email["domain"]) > MAX_DOMAIN:
        return NOWHERE
    return email.end()


OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = _compiled(
    rf"{NOT_IN_WORD}(?<!\.)(?<![A-Za-z_]-){OCTET}(?:\.{OCTET}){{3}}(?![A-Za-z0-9_]|\.[A-Za-z0-9]|-[A-Za-z])"
)
IPV6 = _compiled(
    rf"{NOT_IN_WORD}(?<![0-9A-Fa-f:]:)(?<![A-Za-z0-9_][.-])",
    r"[23][0-9A-Fa-f]{3}(?:::?[0-9A-Fa-f]{1,4}){2,7}(?:::)?(?![A-Za-z0-9_])",
)
VERSION_BEFORE = _compiled(
    r"(?i:\b(?:v|ver|vers|version|rel|release|rev|revision|build|firmware|driver|update",
    r"|sect?|section|ch|chapter|clause|art|article|annex|appendix|para|paragraph|rule|table|fig|figure)s?[.:#]?",
    r"|§|(?:版本|版本号|第)(?::|：)?)\s{0,2}\Z|[A-Za-z]/\Z",
)
"""What makes the four numbers after it a version or a section; `Chrome/` does so too."""
ADDRESS_BEFORE = _compiled(
    r"(?:://|@|(?:(?i:\b(?:ip|ipv4|address|addr|host|hostname|dns|nameserver|ping)(?:es|s)?)",
    r"|\bservers?|\bServer(?=\s?[:=]|\s(?:is|at)\s)|服务器|伺服器|地址|位址|主机|网关)(?:\s(?:is|at)\b){0,2}\W{0,4}",
    r"|DDRESS>[\s,;/-]{1,3}(?:and\s|or\s)?)\Z",
)
"""What makes numbers after it an address: a word (but not "SQL Server"), or the placeholder of another address."""
SMALL = 32
"""Two parts of most versions and sections are under it, and two numbers or more of one address in 13."""
ADDRESS_AFTER = _compiled("[:/][0-9]")
"""A port or the length of a network's prefix."""
CONTEXT = 24
"""How many bytes before an address are read for it."""


def _match_address(text: bytearray, start: int) -> int:
    """Match an address that is public by Python's `ipaddress` (`is_global`), as datatrove does, and no version.

    Four numbers are none after a word such as "version" or "section" or after `Chrome/`, nor where they end with .0.0
    (versions, whole networks), nor where two or more are under 32, unless `//`, `@`, "IP", "server" or the like stands
    before them or a port behind them. An IPv6 address lies in 2000::/3, all that IANA has allocated for global unicast,
    and shows three groups at least.
    """
    four = IPV4.match(text, start)
    address = four or IPV6.match(text, start)
    if not address or (four and _is_version(text, *four.span())):
        return NOWHERE
    try:
        public = ipaddress.ip_address(address[0].decode()).is_global
    except ValueError:
        return NOWHERE  # too few groups, or two `::`
    return address.end() if public else NOWHERE


def _is_version(text: bytearray, start: int, end: int) -> bool:
    before = text[max(0, start - CONTEXT) : start]
    if text.endswith(b".0.0", start, end) or VERSION_BEFORE.search(before):
        return True
    small = sum(int(part) < SMALL for part in text[start:end].split(b"."))
    return small >= 2 and not (ADDRESS_BEFORE.search(before) or ADDRESS_AFTER.match(text, end))


ALONE = NOT_IN_WORD + r"(?<![/=&#$@])(?<![A-Za-z0-9_][.-])"
"""Not in a word, a path, a query, a price or a decimal number, nor after another group of digits."""

CARD_NUMBER = _compiled(
    rf"{ALONE}(?<![0-9] )",
    r"(?:[2-6][0-9]{13,18}|[2-6][0-9]{3}([ -])(?:[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?|[0-9]{6}\1[0-9]{4,5}))",
    r"(?![A-Za-z0-9_]|[.-][0-9]| [0-9]{3})",
)
ISSUERS = _compiled(
    r"4[0-9]{15}(?:[0-9]{3})?",  # Visa; its old numbers of 13 digits look like the EAN codes of goods
    r"|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)[0-9]*(?<=\A[0-9]{16})",  # Mastercard
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{12,15}",  # Maestro
    r"|3[47][0-9]{13}",  # American Express
    r"|3(?:0[0-59]|[689][0-9])[0-9]{11}",  # Diners Club
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2}|35(?:2[89]|[3-8][0-9]))[0-9]{12}",  # Discover, JCB
    r"|62[0-9]{14}(?:[0-9]{3})?",  # UnionPay
)
"""Prefixes and lengths of numbers as issued, ISO/IEC 7812: the table of en.wikipedia.org/wiki/Payment_card_number."""


def _match_card(text: bytearray, start: int) -> int:
    card = CARD_NUMBER.match(text, start)
    if not card:
        return NOWHERE
    digits = card[0].translate(None, b" -")
    return card.end() if ISSUERS.fullmatch(digits) and _is_checked(digits) else NOWHERE


def _is_checked(digits: bytes) -> bool:
    """Whether the last digit is the check digit of the others: Luhn's formula, ISO/IEC 7812-1, annex B."""
    values = [digit - ord("0") for digit in reversed(digits)]
    return (sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])) % 10 == 0


SPACE = r"(?:[ .-]|\xc2\xa0|\xe2\x80[\x90-\x93])"
AREA, EXCHANGE = r"(?!.11)[2-9][0-8][0-9]", r"(?!.11)[2-9][0-9]{2}"
"""North American Numbering Plan (nationalnanpa.com): no area code has a 9 in the middle, N11 are services."""
UNITS = "元|圆|圓|块|塊|人|万|萬|亿|億|美元|美金"
MOBILE = rf"1[3-9][0-9](?:(?![0-9]{{3}}00000)[0-9]{{8}}|([ -])[0-9]{{4}}\1[0-9]{{4}})(?! ?(?:{UNITS}))"
"""Chinese mobile numbers; an amount in round billions, or with a unit, is none."""
DATE = r"(?:19|20)[0-9]{2}(?P<dash>[ -]?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
TRUNK = rf"(?:\(0[1-9][0-9]{{1,4}}\)|{ALONE}(?<![0-9] )0[1-9][0-9]{{1,4}})"
NO_DIGIT = r"(?![0-9_]|[.-][0-9])"
NO_GROUP = r"(?![0-9_]|[ .-][0-9])"
PLUS = r"(?<![0-9_%+])\+"

PAIRS = r"[0-9]{2}(?:\1[0-9]{2}){3}"
PHONE_WORD = (
    r"(?i:(?:\b(?:tel|fax|gsm|ph|cell|mobile|mob|contact|whatsapp|call|portable|appele[rz]|joignable)|\bt(?:é|É)l|phone)"
    r"s?\b)|电话|電話|手机|手機|传真|傳真"
)
PHONE_BEFORE = _compiled(rf"(?:{PHONE_WORD})[^0-9\n<>]{{0,12}}\Z")
"""What makes pairs of digits after it a telephone number, which may as well be lottery numbers or bytes."""
NUMBER_BEFORE = _compiled(
    r"(?:(?i:\b(?:date|ref|reference|id|part|no|nr|(?:part|serial|order|item|invoice|case|model)\s?(?:number|id|#))",
    r"\.?\s?[:#=]?\s?)|(?:金额|金額|价格|價格|人口|订单|訂單|编号|編號|学号|學號|账号|帐号|帳號|单号|單號)",
    r"(?:号|號|码|碼|为|為|是|约|約|：|:|\s){0,3})\Z",
)
"""What makes a number without `+` and brackets something else, unless PHONE_BEFORE matches too: "phone no."."""

PHONE_SHAPES = (
    # North America: +1 and any spacing; brackets; dashes or dots; a space and a dash.
    (11, 11, rf"(?:{PLUS}1|\(\+1\)){SPACE}?\(?{AREA}\)?{SPACE}?{EXCHANGE}{SPACE}?[0-9]{{4}}{NO_DIGIT}"),
    (10, 11, rf"(?:{ALONE}1{SPACE}?)?\({AREA}\){SPACE}?{EXCHANGE}{SPACE}[0-9]{{4}}{NO_DIGIT}"),
    (10, 11, rf"{ALONE}(?:1{SPACE})?{AREA}([.-]){EXCHANGE}\1[0-9]{{4}}{NO_DIGIT}"),
    (10, 11, rf"{ALONE}(?:1 )?{AREA} {EXCHANGE}-[0-9]{{4}}{NO_DIGIT}"),
    # Chinese mobile numbers, with or without 86.
    (11, 15, rf"(?:\((?:\+|00)?86\) ?|{ALONE}(?:(?:00)?86[ -]?)?){MOBILE}(?![A-Za-z]){NO_DIGIT}"),
    # Other countries behind + or 00: at most 15 digits (ITU-T E.164, section 6).
    (9, 15, rf"(?:{PLUS}[2-9]|\(\+[2-9][0-9]{{0,2}}\))(?:(?:{SPACE}|[()/]){{0,2}}[0-9]){{6,14}}{NO_DIGIT}"),
    (11, 17, rf"{ALONE}(?<![0-9] )00[1-9][0-9]{{0,2}}(?:[ -](?:[0-9]{{1,8}}|\([0-9]{{1,5}}\))){{2,5}}{NO_GROUP}"),
    # Behind a trunk 0: French pairs, British, Dutch and Italian mobile numbers, an area code in brackets or of three
    # digits and more. With fewer than ten digits it may be a date or a ZIP+4 code.
    (10, 10, rf"{ALONE}(?<![0-9] )0[1-9]([.-]){PAIRS}{NO_GROUP}"),
    (10, 10, rf"{ALONE}(?<![0-9] )06[ -][0-9]{{8}}{NO_GROUP}"),
    (11, 11, rf"{ALONE}(?<![0-9] )07[1-57-9][0-9]{{8}}(?![A-Za-z]){NO_GROUP}"),
    (10, 10, rf"\(0[1-9]\) ?[0-9]{{4}} ?[0-9]{{4}}{NO_GROUP}"),
    (10, 12, rf"{TRUNK}(?: / |[ /-])(?!{DATE})[0-9]{{3,8}}(?:[ -][0-9]{{2,6}}){{0,3}}{NO_GROUP}"),
)
"""Fewest and most digits, and the pattern, of each way to write a telephone number; the first that matches wins."""
PHONE_NUMBERS = tuple((range(fewest, most + 1), _compiled(shape)) for fewest, most, shape in PHONE_SHAPES)
FRENCH_PAIRS = _compiled(rf"{ALONE}(?<![0-9] )0[1-9]( ){PAIRS}{NO_GROUP}")
"""The French way that is a telephone number behind PHONE_BEFORE only."""


def _match_phone(text: bytearray, start: int) -> int:
    phone = _phone(text, start)
    if not phone:
        return NOWHERE
    before = text[max(0, start - CONTEXT) : start]
    called = PHONE_BEFORE.search(before)
    if phone.re is FRENCH_PAIRS:
        return phone.end() if called else NOWHERE
    plain = not any(sign in phone[0] for sign in b"+(")
    return NOWHERE if plain and not called and NUMBER_BEFORE.search(before) else phone.end()


def _phone(text: bytearray, start: int) -> re.Match[bytes] | None:
    """Return what is written as a telephone number at an offset."""
    for allowed, pattern in PHONE_NUMBERS:
        phone = pattern.match(text, start)
        if phone and sum(byte in b"0123456789" for byte in phone[0]) in allowed:
            return phone
    return FRENCH_PAIRS.match(text, start)


MATCHERS: dict[int, Matcher] = {
    PRIVATE_KEY: _match_private_key,
    API_TOKEN: _match_token,
    EMAIL: _match_email,
    IP_ADDRESS: _match_address,
    CREDIT_CARD: _match_card,
    PHONE: _match_phone,
}
