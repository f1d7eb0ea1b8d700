"""Names in figures: every letter as it is, none as an empty box.

A figure's own font has no Chinese and few pictures. Letters that it lacks are drawn in an installed
font that has them; where there is none, or a name is too long for an axis, a number stands in the
figure and the name beside it in the caption, whose letters are the reader's browser's.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

#: Comes with Matplotlib: the same on every machine.
FONT = "DejaVu Sans"

#: Have a box for every letter there is, or letters of their own in other letters' places.
_NO_LETTERS = ("Last Resort", "STIXNonUnicode", "cm")

#: Letters of a label to an inch of its figure's width: more would leave no room for what it names.
_LETTERS_AN_INCH = 7

#: Joins the letters of one picture, or says how a letter is drawn.
_JOINERS = "\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}"

#: First bytes of a font whose outlines a PDF can embed (TrueType), and of a collection of fonts.
_TRUETYPE, _COLLECTION = (b"\0\1\0\0", b"true"), b"ttcf"


def fonts_for(figure: Figure) -> list[str]:
    """Return installed fonts that have the letters of a figure which its own font lacks."""
    lacking = {letter for text in _strings(figure) for letter in text} - letters_of([FONT])
    fonts: list[str] = []
    for name, path in _installed() if lacking else ():
        if has := lacking & _letters(path):
            fonts.append(name)
            lacking -= has
        if not lacking:
            break
    return fonts


def number_names(figure: Figure, fonts: Iterable[str]) -> dict[str, str]:
    """Put numbers in the place of names that these fonts cannot write, and of those too long.

    Returns:
        Number → name, as the caption must say.
    """
    shown, key = letters_of(fonts), dict[str, str]()
    longest = int(_LETTERS_AN_INCH * figure.get_figwidth())
    for axis, names in _named_ticks(figure):
        written = [_numbered(name, shown, key, longest) for name in names]
        if written != names:
            axis.set_ticks(axis.get_majorticklocs(), written)
    labels = {text for legend in _legends(figure) for text in legend.get_texts()}
    for text in _texts(figure):
        most = longest if text in labels else None
        text.set_text(_numbered(text.get_text(), shown, key, most))
    return {number: name for name, number in key.items()}


def letters_of(fonts: Iterable[str]) -> set[str]:
    """Return letters that fonts have."""
    return {"\n"}.union(*(_letters(font_manager.findfont(font)) for font in fonts))


def _numbered(text: str, shown: set[str], key: dict[str, str], longest: int | None) -> str:
    """Return a text with numbers for names; new ones get into the key."""

    def number(name: str) -> str:
        return key.setdefault(name, f"⟨{len(key) + 1}⟩")

    lines = text.split("\n")
    for index, line in enumerate(lines):
        if longest is not None and len(line) > longest:
            lines[index] = number(line)
        elif lacking := {*line} - shown:
            sign = f"[{re.escape(''.join(sorted(lacking)))}]"
            run = rf"{sign}(?:{sign}|[{_JOINERS}]| (?={sign}))*"
            lines[index] = re.sub(run, lambda match: number(match[0]), line)
    return "\n".join(lines)


def _strings(figure: Figure) -> Iterator[str]:
    yield from (text.get_text() for text in _texts(figure))
    yield from (name for _, names in _named_ticks(figure) for name in names)


def _texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if isinstance(text, Text)]


def _legends(figure: Figure) -> list[Legend]:
    return [legend for legend in figure.findobj(Legend) if isinstance(legend, Legend)]


def _named_ticks(figure: Figure) -> Iterator[tuple[Axis, list[str]]]:
    """Return axes whose ticks have names, and the names: their texts are set when drawn."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_locator(), FixedLocator):
                yield axis, axis.get_major_formatter().format_ticks([*axis.get_majorticklocs()])


@lru_cache(maxsize=1)
def _installed() -> tuple[tuple[str, str], ...]:
    """Name and file of each upright font that can stand in for another, by name."""
    fonts = {
        font.name: font.fname
        for font in sorted(font_manager.fontManager.ttflist, key=lambda font: font.fname)
        if font.style == "normal" and not font.name.startswith(_NO_LETTERS)
    }
    return tuple(sorted((name, file) for name, file in fonts.items() if _is_embeddable(file)))


def _is_embeddable(file: str) -> bool:
    with Path(file).open("rb") as font:
        start = font.read(16)
        if start[:4] == _COLLECTION:
            font.seek(int.from_bytes(start[12:16], "big"))
            start = font.read(4)
    return start[:4] in _TRUETYPE


@lru_cache(maxsize=512)
def _letters(file: str) -> frozenset[str]:
    return frozenset(map(chr, FT2Font(file).get_charmap()))
