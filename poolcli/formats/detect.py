"""Finding out the format of data."""

from __future__ import annotations

import re

from poolcli.errors import InputError
from poolcli.formats import foreign
from poolcli.formats.options import ReadOptions
from poolcli.formats.registry import FORMATS, SIGNATURES, Format, find_format, format_of_name
from poolcli.wording import Phrase, Typed

ANY_TEXT = "txt"  # an extension that only says that it is text
BOX = re.compile("^[ \t]*[\u2500-\u257f]|^[ \t]*\\+[-=+]+\\+[ \t]*$", re.MULTILINE)
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks
BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # byte order marks, the other halves of UTF-16, blanks


def detect(head: bytes, name: str, options: ReadOptions) -> Format:
    """Find out the format of data: by the option, a binary signature, the extension, then the text itself.

    `head` are the first bytes, or all if there are few. A table drawn for people and a format that poolcli does not
    read are an `InputError` that says what to do.
    """
    if options.input_format:
        return find_format(options.input_format)
    if (found := re.match(SIGNATURES, head, re.DOTALL)) and found.lastgroup:
        return FORMATS[found.lastgroup]
    row = format_of_name(name)
    if row is not None and row.reads and row.name not in FORMATS:  # another package knows its own files best
        return row
    foreign.refuse(head, name)
    if row is not None and row.picture and row.reads:
        return row
    return _detect_text(head, name, row)


def _detect_text(head: bytes, name: str, by_extension: Format | None) -> Format:
    if BOX.search(head.decode(errors="replace")):
        way = Typed(Phrase("if poolcli made it, add {json} to the command"), "write the numbers as JSON")
        raise InputError(f"{name}: this is a table drawn for people, not data", Phrase("{way}", way=way))
    if by_extension is not None and by_extension.reads and by_extension.name != ANY_TEXT:
        return by_extension
    if b"\0" in head and not head.startswith(UTF_16):
        return FORMATS["png"]  # not text: Pillow also knows pictures without a signature here
    return FORMATS["json" if head.lstrip(BEFORE_TEXT).startswith((b"[", b"{")) else "csv"]
