"""Plain text out of the formats that documentation comes in: HTML and XML pages, manual pages, dictionaries."""
import gzip
import html
import re

_DROPPED = re.compile(r"<(script|style|svg|head)\b.*?</\1\s*>|<!--.*?-->", re.S | re.I)
_BLOCKS = "p div li ul ol tr table pre h[1-6] br hr section dt dd dl title nav header footer blockquote"
_BREAK = re.compile(rf"</?(?:{_BLOCKS.replace(' ', '|')})\b[^>]*>", re.I)
_TAG = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES = re.compile(r" ?\n[ \n]*")

_MARKUP = {".html", ".htm", ".xhtml", ".xml", ".page"}
_TEXT = {".txt", ".md", ".rst", ".pod", ".go", ".adoc", ".tex", ""}
_MANUAL = re.compile(r"\.[1-9][a-z]*$")


def of_markup(source):
    """The text of an HTML or XML page, its blocks on lines of their own. Navigation stays: real pages have it."""
    text = _DROPPED.sub(" ", source)
    text = _BREAK.sub("\n", text)
    text = html.unescape(_TAG.sub("", text))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def of_manual(source):
    """The text of a manual page: requests and font changes are dropped."""
    lines = []
    for line in source.split("\n"):
        if line.startswith((".\\\"", "'\\\"", "...")):
            continue
        if line.startswith((".", "'")):
            line = line.partition(" ")[2].replace('"', "")
        lines.append(line)
    text = "\n".join(lines)
    text = re.sub(r"\\f(?:\[[^\]]*\]|\(..|.)|\\[&/,|^c]|\\s[-+]?\d", "", text)
    text = re.sub(r"\\\(.{2}|\\\[[^\]]*\]|\\\*(?:\[[^\]]*\]|.)", " ", text)
    return text.replace("\\-", "-").replace("\\e", "\\").strip()


def of_file(path, data):
    """The text of a file by its name, or None where it holds none that is wanted."""
    name = path.lower()
    if name.endswith((".gz", ".dz")):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            return None
        name = name[:-3]
    try:  # dictionaries have stray bytes of older encodings
        source = data.decode("utf-8", errors="ignore" if name.endswith(".dict") else "strict")
    except UnicodeDecodeError:
        return None
    dot = name.rfind(".", name.rfind("/"))
    suffix = name[dot:] if dot >= 0 else ""
    if "/man/" in name and _MANUAL.search(name):
        return of_manual(source)
    if suffix in _MARKUP or source[:200].lstrip().lower().startswith(("<!doctype html", "<html", "<?xml")):
        return of_markup(source)
    if suffix in _TEXT or name.endswith(".dict"):
        return source
    return None


def pages(text, size):
    """Cuts a long text, a dictionary for one, into pages of about that many characters, at blank lines where it has any."""
    start = 0
    while start < len(text):
        end = text.find("\n\n", start + size, start + 2 * size)
        if end < 0:
            end = text.find("\n", start + size)
        if end < 0:
            end = len(text)
        yield text[start:end]
        start = end + 1
