"""One cell of text: which number it is, or what else it is and what to do about it."""

from __future__ import annotations

import re
from unicodedata import category

from poolcli.formats.text import Number
from poolcli.wording import Phrase

FLOAT = rb"(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eEdD][+-]?[0-9]+)?|[0-9]+[eEdD][+-]?[0-9]+"  # d is Fortran's
DECIMAL = re.compile(rb"[+-]?(?:[0-9]+|(?P<float>%s))" % FLOAT)
# NaN and infinities as libraries print them: glibc, musl, BSD, AIX (NaNQ), Windows (1.#QNAN, nan(ind)), .NET (the sign)
NAN = rb"(?i:[+-]?(?:nan[qs]?|nan\([^()]*\)|1\.?#(?:[qs]?nan|ind)[0-9]*))"
INFINITE = rb"(?i:[+-]?(?:inf(?:inity)?|1\.?#inf[0-9]*|\xe2\x88\x9e))"
EXPONENT = bytes.maketrans(b"dD", b"ee")

# A spreadsheet's error: capitals after the #, in any language, and ! or ? at the end, or one of these words.
_CAPITAL = rb"(?:[A-Z0-9/_.]|[\xc2-\xf4][\x80-\xbf]{1,3})"  # or a character of any other alphabet
_WORDS = "N/A|NV|N/V|N/D|N/T|N/B|I/T|YOK|HIÁNYZIK|\u041d/\u0414|N/DISP|NENÍ_K_DISPOZICI|\u0394/\u03a5|GETTING_DATA"
SHEET_ERROR = rb"#(?:%s+[!?]|%s)(?![\w/])|Err:[0-9]{3}$" % (_CAPITAL, _WORDS.encode())

MISSING = rb"(?i:n/?a|null|none|nil|missing|-+|\?|\.)"
BOOLEAN = rb"(?i:true|false)"
SIGN = "+-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"  # with the dashes that replace a minus sign
BEFORE = SIGN + "($€£¥~≈<>' \t.,"  # may precede the digits of a number gone wrong
MINUS = rb"(?:\xe2\x80[\x90-\x95]|\xe2\x88\x92)"  # the minus sign and the dashes that replace it
TIME = rb"(?i:[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[ap]m)?)"
DATE = rb"(?:[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/.])[0-9]{1,2}\2[0-9]{4})(?:[T ][^,;\t]*)?"

COMMA_IS_DECIMAL = Phrase("add {decimal} if the comma is a decimal comma", decimal=",")
THOUSANDS = "write numbers without thousands separators"
Hints = tuple[tuple[bytes, "str | Phrase"], ...]  # patterns as text, compiled only when a cell is wrong
POINTED = rb"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+"  # an integer with points between the thousands
ADVICE: Hints = (
    (BOOLEAN, "write 1 for true and 0 for false"),
    (rb"[+-]?[0-9]{1,3},[0-9]{3}", COMMA_IS_DECIMAL + "; remove it if it separates thousands"),
    (rb"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?", COMMA_IS_DECIMAL),
    (POINTED + rb",[0-9]*", Phrase("{0}, and add {decimal}", THOUSANDS, decimal=",")),
    (rb"[+-]?[0-9]{1,3}(?:[.,' ][0-9]{3})+(?:[.,][0-9]*)?", THOUSANDS),
    (TIME, "write a time as one number, such as 8.5 for 08:30"),
    (DATE, "write a date as one number, such as 20260501"),
    (rb"[+-]?[0-9]+(?:_[0-9]+)+", "write numbers without underscores"),
    (rb"[+-]?0[xXoObB][0-9a-fA-F]+", "write numbers in decimal"),
    (rb"%.*", "begin comments with #"),
    (rb".*%", "write 12% as 0.12"),
    (rb"\*+",
     Phrase("write it again with more places if it had too few, or take it for a missing value with {missing}")),
    (rb"[\[{].*", Phrase("add {input_format} if this is JSON", input_format="json")),
    (rb".*;.*", Phrase("add {delimiter} if the semicolon separates", delimiter=";")),
    (rb".*,.*", Phrase("add {delimiter} if the comma separates", delimiter=",")),
    (rb".*\t.*", Phrase("add {delimiter} if the tab separates", delimiter="tab")),
    (rb"[0-9.eE+-]+(?:[ ]+[0-9.eE+-]+)+",
     Phrase("add {delimiter} if blanks separate", delimiter="blanks")),
    (MINUS + rb"[0-9.,eE+-]+", "write the minus sign as -"),
)  # fmt: skip
WITH_COMMA: Hints = (  # come first if the comma is the decimal mark
    (POINTED + rb"(?:,[0-9]*|\.[0-9]{3})", THOUSANDS),
    (rb"[^.]*\.[^.]*",
     Phrase("with {decimal} a point has no meaning; remove it if it separates thousands, or leave the option out if "
            "it is the decimal mark", decimal=",")),
)  # fmt: skip


def number_in(cell: bytes, decimal: str = ".") -> Number | None:
    """Return the number in a cell, or None if there is none; raise OverflowError if it is beyond float64.

    Examples
    --------
    >>> number_in(b"+5"), number_in(b".5"), number_in(b"1_000"), number_in(b"1,5", ",")
    (5, 0.5, None, 1.5)
    >>> number_in(b"1.5D+03"), number_in(b"-1.#IND")
    (1500.0, nan)
    """
    if decimal == ",":
        if b"." in cell:
            return None
        cell = cell.replace(b",", b".")
    match = DECIMAL.fullmatch(cell)
    if not match:
        if re.fullmatch(NAN, cell):
            return float("nan")
        return None if not re.fullmatch(INFINITE, cell) else float("-inf" if cell.startswith(b"-") else "inf")
    if match["float"]:
        value = float(cell.translate(EXPONENT))
        if value in (float("inf"), float("-inf")):
            raise OverflowError
        return value
    digits = cell.lstrip(b"+-0")
    # Python refuses to convert very long integers; all of those are beyond 64 bits anyway
    return int(cell) if len(digits) < 30 else (-1 if cell.startswith(b"-") else 1) * 10**100


def looks_of(cell: bytes, decimal: str) -> str:
    """Return what a cell is: number, empty, odd (a number gone wrong, or no value), label (a time or a date) or name.

    Examples
    --------
    >>> [looks_of(cell, ".") for cell in (b"5", b"2%", b"#N/A", b"8:30", b"height")]
    ['number', 'odd', 'odd', 'label', 'name']
    """
    try:
        if number_in(cell, decimal) is not None:
            return "number"
    except OverflowError:
        return "number"
    if not cell:
        return "empty"
    if re.fullmatch(TIME, cell) or re.fullmatch(DATE, cell):
        return "label"
    odd = any(re.fullmatch(pattern, cell) for pattern in (MISSING, BOOLEAN, SHEET_ERROR))
    if odd or cell[:1] in (b"[", b"{", b"*"):
        return "odd"
    first = cell.decode(errors="replace").lstrip(BEFORE)[:1]
    return "odd" if not first or category(first)[0] == "N" else "name"


def advice(cell: bytes, decimal: str) -> str | Phrase | None:
    """Return what to do about a cell that is not a number, if that can be guessed."""
    hints = (*WITH_COMMA, *ADVICE) if decimal == "," else ADVICE
    found = next((hint for pattern, hint in hints if re.fullmatch(pattern, cell)), None)
    if found is None and any(digit.isdigit() and not digit.isascii() for digit in cell.decode(errors="replace")):
        return "write the digits 0 to 9"
    return found
