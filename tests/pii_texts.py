"""Texts that hold personal data, and texts that only look like it."""

import itertools

LETTERS = "aB3dE5gH7"  # tokens are put together here, so that no scanner takes this file for a leak


def letters(length: int) -> str:
    return "".join(itertools.islice(itertools.cycle(LETTERS), length))


EMAILS = (
    "john@example.com",
    "John.O'Neil+news_1%x@mail.Example-Site.co.uk",
    "1@2.de",
    "prénom.nom@université.fr",
    "почта@пример.рф",
    "info@xn--bcher-kva.xn--p1ai",
    "a@b.museum",
    "x@deep.sub.domain.example.org",
    f"{'l' * 64}@example.com",
)
ADDRESSES = (
    "8.88.44.123",
    "165.201.143.205",
    "223.254.1.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81B::200E",
    "2001:4860:4860:0:0:0:0:8888",
)
CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "2223003122003222",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
    "6011000990139424",
    "3530111333300000",
    "6200000000000005",
)
PHONES = (
    "(415) 555-2671",
    "(415)555-2671",
    "415-555-2671",
    "415.555.2671",
    "415 555-2671",
    "1-800-555-2671",
    "1 (415) 555-2671",
    "+1 415 555 2671",
    "+14155552671",
    "(+1) 415-555-2671",
    "+1\u00a0415\u00a0555\u00a02671",
    "+44 20 7946 0958",
    "+44 (0)20 7946 0958",
    "(+44) 20 7946 0958",
    "+49 (0)40 890 85-433",
    "+49 30 1234567",
    "+33 1 23 45 67 89",
    "+86 138 1234 5678",
    "+8613812345678",
    "+86-10-12345678",
    "+91\u201198765\u201143210",
    "86-13812345678",
    "(+86)13812345678",
    "0086 13812345678",
    "13812345678",
    "138-1234-5678",
    "138 1234 5678",
    "010-12345678",
    "0755-1234567",
    "020 7946 0958",
    "07911123456",
    "07911 123456",
    "01632 960 983",
    "(08) 9262 0400",
    "01.23.45.67.89",
    "01-23-45-67-89",
    "030/1234567",
    "0221 / 1234567",
    "06-12345678",
    "0049 30 1234567",
)
TOKENS = (
    "AKIA" + "QRSTUVWXYZ234567",
    "ASIA" + "QRSTUVWXYZ234567",
    *(f"gh{kind}_" + letters(36) for kind in "pousr"),
    "github_pat_" + letters(22) + "_" + letters(59),
    "glpat-" + letters(20),
    "glpat-" + letters(27) + ".01.1x2y3z4",
    "xoxb-" + "1234567890-1234567890-" + letters(24),
    "xoxp-" + "1234567890-1234567890-1234567890-" + "0a1b2c3d" * 4,
    "AIza" + letters(33) + "-_",
    "sk_live_" + letters(24),
    "rk_live_" + letters(99),
    "sk-" + letters(20) + "T3BlbkFJ" + letters(20),
    "sk-proj-" + letters(74) + "T3BlbkFJ" + letters(74),
    "sk-ant-api03-" + letters(93) + "AA",
    "npm_" + letters(36),
    "pypi-AgEIcHlwaS5vcmc" + letters(150),
    "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    ".".join(("eyJ" + letters(17), "eyJ" + letters(60), letters(43))),
)
BASE64 = "\n".join([(LETTERS + "+/") * 5 + "abcdefghi"] * 12) + "\nQUJD=="
KEYS = (
    *(
        f"-----BEGIN {name}-----\n{BASE64}\n-----END {name}-----"
        for name in ("PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK")
    ),
    f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{BASE64}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\\n{BASE64.replace(chr(10), chr(92) + 'n')}\\n-----END PRIVATE KEY-----",
    f"-----BEGIN EC PRIVATE KEY-----\n{BASE64}",  # cut off
)
POSITIVES = {
    "private_key": KEYS,
    "api_token": TOKENS,
    "email": EMAILS,
    "ip_address": ADDRESSES,
    "credit_card": CARDS,
    "phone": PHONES,
}
FRAMES = ("{}", "see {}, please", "联系{}。谢谢", "({})", "a:\n{}\nb", "“{}”", "é {}; x", "x {}. Then")
FRAGMENTS = [text for texts in POSITIVES.values() for text in texts]
EXPECTED = [(kind, text) for kind, texts in POSITIVES.items() for text in texts]


NEGATIVES = (
    # no e-mail addresses
    "user@localhost", "@handle on a site", "a @ b.com", "icon@2x.png", "react@17.0.2", "x@example.c", "a@b", "a@.com",
    "a@b..com", f"{'l' * 65}@example.com", "ａ＠ｂ.com", "joe at example dot com",
    # no public addresses
    "1.2.3.4.5", "10.0.19041.1", "192.168.1.20", "127.0.0.1", "10.1.2.3", "0.0.0.0", "255.255.255.255",
    "256.100.100.100", "54.012.3.9", "v54.12.3.9", "version 54.12.3.9", "Section 54.12.3.9", "版本：54.12.3.9",
    "Chrome/114.0.0.0", "Linux kernel 5.15.0.91", "OpenSSL 1.1.1.45", "Firefox 115.0.2.55", "glibc 2.35.0.1",
    "SQL Server 11.0.210.60", "Exchange Server 15.1.225.42", "observer 15.1.225.42", "8.8.4.123", "54.12.3.9",
    "libfoo-54.12.3.9", "54.12.3.9-beta", "54.12.3.9x", "3.2.1.10 Results", "8.8.8.8", "1.2.3.4",
    "2001:db8::1", "fe80::1", "::1", "12:30:45", "2012:05:10", "std::a::b", "00:1B:44:11:3A:B7", "2606:4700:1111",
    "2606:4700:4700::1111:", "x2606:4700:4700::1111",
    # no cards: check digit, issuer, length, longer runs, paths, decimals
    "4111111111111112", "1111111111111117", "9780306406157", "4006381333931", "41111111111111111111",
    "4111 1111-1111 1111", "411111111 1111111", "0.4111111111111111", "/4111111111111111", "a4111111111111111",
    "4111 1111 1111 1111 1111", "4111.1111.1111.1111", "4111111111111111-1",
    # no telephone numbers: dates, prices, identifiers, counts, ranges
    "2019-05-17", "05/17/2019 10:30", "04-22-2019 04:00", "1990-1995", "1914–1918 1939–1945", "978-0-306-40615-7",
    "0-306-40615-2", "ISSN 0317-8471", "02139-4307", "$415-555-2671", "1,234,567,890", "1234567890", "4155552671",
    "415-555-26711", "2415-555-2671", "911-555-2671", "415-911-2671", "495-555-2671", "115-555-2671", "12-415-555-2671",
    "AB415-555-2671", "/415-555-2671", "id=13812345678", "12812345678", "138123456789", "13800000000",
    "0.13812345678", "13812345678.50", "http://a.b/13812345678.html", "+12345", "5+4915112345678", "01 02 03 04 05 06",
    "00 01 02 03 04 05", "0.123 0.456 0.789", "84 104 105 115 32 112 114 111", "１３８１２３４５６７８", "٠١٢٣٤٥٦٧٨٩٠",
    "winning numbers 07 14 21 28 35", "MIDI: 01 60 64 90 00", "television 07 14 21 28 35", "01 23 45 67 89",
    "金额15000000001元", "价格13999999999元", "人口13800138000人", "13800138000 万",
    "总计138 1234 5678亿", "8613812345678美元",
    "订单号：13812345678", "编号 13812345678", "学号13812345678", "账号为13812345678", "金額13812345678",
    "ID: 13812345678",
    "Date 010 20240101", "010 20240101", "020-2024-01-01", "part no. 0612-345678", "Ref: 0612-345678", "no 0612-345678",
    "Order # 0612-345678", "serial number 415-555-2671",
    "QX-2019-0123-4567", "19700101000000", "1700000000", "1700000000000",
    # no tokens: lengths, placeholders, words, names
    "AKIA" + "QRSTUVWXYZ23456", "AKIA" + "QRSTUVWXYZ2345678", "ASIAN" + "INFRASTRUCTUREX", "ghp_" + letters(35),
    "xghp_" + letters(36), "github_pat_11", "task-based risk-free", "hf_" + "x" * 34, "npm_config_cache",
    "sk_test_" + letters(24), "sk-learn", "eyJhbGci.eyJ", "xoxb-your-token-here", "AIza" + letters(36), "pypi-server",
    # no keys
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----\n" + BASE64 + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + BASE64 + "\n-----END PUBLIC KEY-----", "-----------BY-----------",
)  # fmt: skip
