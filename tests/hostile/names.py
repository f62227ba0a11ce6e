"""Names that a server may choose, to lead astray whoever takes them for paths, SQL or patterns."""

PATHS = (
    *("../up", "../../../../tmp/up", "/etc/passwd", "a/../../b", "a//b", "/", "~", "..\\..\\up"),
    *("C:\\up", "\\\\host\\share", "%2e%2e%2fup", "..%2fup", "%00", "file:///etc/passwd"),
    *(".hidden", "dots...", "...", " . ", "spaces  ", " lead", "-rf", "--", "*", "?", "[a-z]"),
    *("CON", "nul.jsonl", "aux", "LPT1.txt", "job.json", "request.json", "a.part", "a.jsonl.part"),
)
TWINS = (
    *("A.jsonl", "a.jsonl", "caf\u00e9", "cafe\u0301", "\ufb01le", "file", "\u017f", "s"),
    *("\u0130", "i\u0307", "stra\u00dfe", "STRASSE", "a b", "a_b", "a-b", "a\u00a0b", "a\u200bb"),
    *("x" * 300, "x" * 299 + "y", "y" * 5_000, "y" * 4_999 + "z", "\u00e9" * 300),
)
TEXTS = (
    *("two\nlines", "carriage\rreturn", "tab\t", "bell\x07", "escape\x1b[2J", "\x7f", "a\u2028b"),
    *("\u202egpj.exe", "\ufeff", "\U0001f600", "a?b#c&d=e;f", "a:b@c", "$HOME", "`id`", "$(id)"),
)
STATEMENTS = (
    *("'; DROP TABLE gladly.load_files; --", "' OR '1'='1", '" OR ""="', "'", '"', "\\", "\\'"),
    *("%s", "%(name)s", "{}", "{0}", "$1", ":name", "?1", "NULL", "a'b\"c`d", "*/ OR 1=1 /*"),
    *("x'); DELETE FROM gladly.load_runs; --", "; ATTACH '/tmp/up.duckdb' AS up; --", "%", "_"),
)
NAMES = (*PATHS, *TWINS, *TEXTS, *STATEMENTS)

# no request can ask for these, or no table hold them
UNUSABLE = ("", ".", "..", "nul\0byte")
