"""One URL taken apart and brought to normal form: the rules, in plain Python.

Two URLs are taken for the same page when their normal forms are equal. The normal form is a key, not a link to fetch.

| rule | source |
|---|---|
| scheme and host in lower case; default ports dropped; dot segments resolved; percent-encodings of unreserved characters decoded, hex digits in upper case | RFC 3986, section 6.2.2 and 6.2.3 |
| what RFC 3986 does not allow in a path or query is percent-encoded as UTF-8; white space around, and tabs and line ends inside, dropped; `\\` before the query is `/` | WHATWG URL standard |
| international hosts as punycode, after UTS 46 | IDNA 2008; labels that it refuses, such as emoji, as browsers encode them |
| `http` is `https`; `www.` dropped; slashes at the end of the path dropped | C4 (`normalize_url` of TFDS' c4_utils) |
| user and password dropped; query parameters sorted; session ids dropped; an empty query is none | Internet Archive's IAURLCanonicalizer, behind the keys of Common Crawl's index |
| `&amp;` in a query, left over from HTML, is `&` | courlan |
| tracking parameters dropped | `TRACKERS` below |
| fragment dropped, except `#!…`, which names a page | Google's AJAX crawling scheme of 2009 |

Left alone, though some of these sources change it: the case of path and query (servers tell them apart), double slashes,
`index.html`, `+` against `%20`, parameters without value, `ref` (code hosts name branches with it).

A URL without a scheme (`example.com/page`), as some data sets have them, counts as `https` if its host has a dot.
"""  # noqa: E501  (a table)

import functools
import ipaddress
import re
from typing import NamedTuple
from urllib.parse import unquote

from corpuskit.errors import MissingExtra

TRACKERS = frozenset(
    """
    _ga _gl _hsenc _hsmi _ke _openstat cmpid dclid epik fb_action_ids fb_action_types fb_ref fb_source fbclid gbraid
    gclid gclsrc icid igsh igshid li_fat_id mc_cid mc_eid mibextid mkt_tok msclkid ncid oly_anon_id oly_enc_id
    rb_clickid s_cid s_kwcid srsltid ttclid twclid vero_conv vero_id wbraid wickedid xtor yclid ysclid
    hsa_acc hsa_ad hsa_cam hsa_grp hsa_kw hsa_la hsa_mt hsa_net hsa_ol hsa_src hsa_tgt hsa_ver
    itm_campaign itm_content itm_medium itm_source itm_term
    pk_campaign pk_cid pk_content pk_cpn pk_keyword pk_kwd pk_medium pk_source
    mtm_campaign mtm_cid mtm_content mtm_cpn mtm_group mtm_keyword mtm_kwd mtm_medium mtm_placement mtm_source
    matomo_campaign matomo_keyword matomo_kwd piwik_campaign piwik_keyword piwik_kwd
    """.split()  # noqa: SIM905  (a table)
)
"""Names of parameters that say where a visitor came from and nothing about the page. Named by AdGuard's
TrackParamFilter, ClearURLs and Firefox's query stripping; courlan's looser pattern also drops `id`-like names. Those of
Matomo (`pk_`, `mtm_`) and HubSpot (`hsa_`) one by one: `pk_id` and `itm_id` name things in databases."""

TRACKER_PREFIXES = ("utm_", "aspsessionid")
"""Beginnings of such names: Google Analytics and those who followed it; the session of classic ASP."""
COORDINATES = frozenset(
    ("utm_e", "utm_easting", "utm_hemisphere", "utm_n", "utm_northing", "utm_x", "utm_y", "utm_z", "utm_zone")
)
"""Names that begin so and say where on Earth, in the Universal Transverse Mercator system."""

SESSIONS = frozenset(("jsessionid", "phpsessid", "cfid", "cftoken", "oscsid", "zenid"))
"""Names of parameters that hold a visitor's session."""

SHORT_SESSIONS = re.compile(r"(?i)s(?:id)?=[0-9a-z]{32}")
"""`sid` (and `s` of vBulletin) may be anything; a session's value has 32 letters and digits (IAURLCanonicalizer)."""

PATH_SESSION = re.compile(r"(?i);(?:jsessionid|phpsessid)=[^/;]*")
PARAMETER_START = re.compile(r"(?:^|&)(?:amp;)*")
AROUND = "".join(map(chr, range(0x21))) + "<>"
"""What is dropped around a URL: control characters and spaces, and the angle brackets that some WARC files have."""
INSIDE = str.maketrans("", "", "\t\n\r")
AUTHORITY_END = re.compile(r"[/\\?#]")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
HOST_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?")
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
DEFAULT_PORTS = (80, 443)
"""Both are dropped from both schemes, because the schemes count as one."""
MAX_PORT = 65535

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ODD = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]")
"""A percent-encoding, or a character that RFC 3986 allows neither in a path nor in a query."""


class Address(NamedTuple):
    """A URL in normal form."""

    scheme: str
    """`https` for http and https."""
    host: str
    """In lower case and ASCII, with `www.`, without port; an IPv6 address in brackets."""
    port: str
    """`:8080`, or empty for the default port."""
    rest: str
    """Path, query and hash-bang; empty, or it begins with `/`, `?` or `#`."""

    @property
    def normal(self) -> str:
        """The normal form."""
        return f"{self.scheme}://{without_www(self.host)}{self.port}{self.rest}"


def parse(url: str) -> Address | None:
    """Return a URL's normal form in parts, or None for what is no URL with a host."""
    scheme, authority, rest = _cut(url.strip(AROUND).translate(INSIDE))
    found = HOST_PORT.fullmatch(authority)
    host = _host(found[1]) if found else None
    port = int(found[2] or 0) if found and len(found[2] or "") <= 9 else MAX_PORT + 1
    if not host or port > MAX_PORT or (not scheme and "." not in host):
        return None
    web = scheme in ("", "http", "https")
    shown = "" if port == 0 or (web and port in DEFAULT_PORTS) else f":{port}"
    return Address("https" if web else scheme, host, shown, _rest(rest))


def _cut(url: str) -> tuple[str, str, str]:
    """Return scheme in lower case (empty: none), host with port, and all that follows."""
    scheme, separator, rest = url.partition("://")
    if not separator or not SCHEME.fullmatch(scheme):
        scheme, rest = "", url
    end = AUTHORITY_END.search(rest)
    stop = end.start() if end else len(rest)
    authority = rest[:stop]
    if scheme:
        authority = authority.rpartition("@")[2]
    return scheme.lower(), authority, rest[stop:]


def without_www(host: str) -> str:
    """Return a host without the `www.` that it begins with, however often, unless no domain would be left."""
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    return host


def _host(host: str) -> str | None:
    """Return a host in ASCII, or None where it is none that DNS or an IPv6 address allows."""
    if host.startswith("["):
        return _ipv6(host[1:-1])
    host = unquote(host).removesuffix(".")
    if not host.isascii():
        host = _punycode(host)
    host = host.lower()
    return host if HOST.fullmatch(host) else None


def _ipv6(address: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(address).compressed}]"
    except ValueError:
        return None


@functools.lru_cache(maxsize=4096)
def _punycode(host: str) -> str:
    """Return a host's labels as ASCII; empty where UTS 46 refuses a character."""
    try:
        import idna
    except ImportError:
        raise MissingExtra("idna", "web", "reading international domain names") from None
    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
    except idna.IDNAError:
        return ""
    return ".".join(label if label.isascii() else _punycode_label(label) for label in mapped.split("."))


def _punycode_label(label: str) -> str:
    import idna

    try:
        return idna.alabel(label).decode()
    except idna.IDNAError:
        return "xn--" + label.encode("punycode").decode()


def _rest(rest: str) -> str:
    before, _, fragment = rest.partition("#")
    path, _, query = before.partition("?")
    path = _path(path.replace("\\", "/"))
    query = "&".join(_parameters(query))
    bang = f"#{_encode(fragment)}" if fragment.startswith("!") and len(fragment) > 1 else ""
    return f"{path}?{query}{bang}" if query else path + bang


def _path(path: str) -> str:
    path = PATH_SESSION.sub("", _encode(path))
    if "/." not in path:
        return path.rstrip("/")
    segments: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    return "".join(f"/{segment}" for segment in segments).rstrip("/")


def _parameters(query: str) -> list[str]:
    parameters = PARAMETER_START.split(_encode(query))
    return sorted(parameter for parameter in parameters if parameter and not _is_noise(parameter))


def _is_noise(parameter: str) -> bool:
    """Whether a parameter says nothing about the page: a tracker or a session."""
    name = parameter.partition("=")[0].lower()
    if name in TRACKERS or name in SESSIONS or (name.startswith(TRACKER_PREFIXES) and name not in COORDINATES):
        return True
    return SHORT_SESSIONS.fullmatch(parameter) is not None


def _encode(text: str) -> str:
    """Return text with unreserved characters decoded and all that RFC 3986 does not allow encoded."""
    return ODD.sub(_encode_one, text)


def _encode_one(match: re.Match[str]) -> str:
    found = match[0]
    if len(found) == 3:
        character = chr(int(found[1:], 16))
        return character if character in UNRESERVED else found.upper()
    return "".join(f"%{byte:02X}" for byte in found.encode())
