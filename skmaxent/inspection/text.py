"""Plain-text tables that stay aligned with accented, wide and right-to-left words."""

import math
import unicodedata

_JOINERS = "\u200c\u200d"  # invisible, but part of the spelling of Persian and Indic words
_ISOLATE = "\u2068{}\u2069"  # keeps a right-to-left word from reordering the rest of its line

FAR_BELOW = 100  # in nats: a probability of 1e-44


def printable(label):
    """A label on one line: control characters as escapes, quotes where its ends would not show."""
    text = "".join(c if c.isprintable() or c in _JOINERS else repr(c)[1:-1] for c in str(label))
    return f"'{text}'" if text != text.strip() or not text else text


def _width_of(character):
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def display_width(text):
    """Columns that a text takes in a terminal (Unicode Standard Annex 11; marks take none)."""
    return sum(map(_width_of, text))


def heading(label):
    """What stands above the features of a class, or of none (None)."""
    return "features of no class" if label is None else label


def shorten(text, width):
    """The text, cut in the middle to at most `width` columns, for its ends tell most."""
    if display_width(text) <= width:
        return text
    ends = []
    for characters, room in ((text, width // 2), (reversed(text), (width - 1) // 2)):
        end = ""
        for c in characters:
            room -= _width_of(c)
            if room < 0:
                break
            end += c
        ends.append(end)
    return f"{ends[0]}…{ends[1][::-1]}"


def isolate(text):
    """The text, fenced off when it has right-to-left letters."""
    return _ISOLATE.format(text) if any(unicodedata.bidirectional(c) in ("R", "AL") for c in text) else text


def table(rows, rules=()):
    """Lines of a table of str: the first column to the left, the others to the right.

    Parameters
    ----------
    rows : list of list of str
        The first is the header; None ends a row early.
    rules : container of int
        Numbers of the rows that have a rule above them.
    """
    widths = [max(map(display_width, column)) for column in zip(*rows)]
    lines = []
    for number, row in enumerate(rows):
        if number in rules:
            lines.append("─" * (sum(widths) + 2 * len(widths) - 2))
        pads = [" " * (width - display_width(cell)) for cell, width in zip(row, widths)]
        cells = [isolate(row[0]) + pads[0], *(pad + isolate(cell) for cell, pad in zip(row[1:], pads[1:]))]
        lines.append("  ".join(cells).rstrip())
    return lines


def number_format(numbers, digits=4):
    """A function that writes numbers with their sign and as many decimals as the largest needs.

    Scores far below the others, those of a class without weight, do not cost them their decimals.
    """
    sizes = [abs(x) for x in numbers if math.isfinite(x) and x > -FAR_BELOW]
    top = max(sizes or [abs(x) for x in numbers if math.isfinite(x)], default=0.0)
    if top == 0:
        return "{:+z.3f}".format
    decimals = digits - 1 - math.floor(math.log10(top))
    if not -3 < decimals < 9:
        return "{:+z.3e}".format
    return f"{{:+z.{max(decimals, 0)}f}}".format


def probability_text(p):
    """A probability with four decimals, or with its order of magnitude when they would be 0."""
    return f"{p:.4f}" if p >= 5e-5 or p == 0 else f"{p:.1e}"
