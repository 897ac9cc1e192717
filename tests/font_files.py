"""Fonts that tests make."""

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


def draw_square(corner, size):
    pen = TTGlyphPen(None)
    low, high = corner, corner + size
    pen.moveTo((low, low))
    for point in ((low, high), (high, high), (high, low)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


def write_font(path, name, letters):
    """A font in which every letter is a square of its own size."""
    builder = FontBuilder(1000, isTTF=True)
    names = [".notdef", *(f"letter{i}" for i in range(len(letters)))]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): glyph for letter, glyph in zip(letters, names[1:], strict=True)})
    builder.setupGlyf({glyph: draw_square(50, 300 + 100 * i) for i, glyph in enumerate(names)})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWeightClass=400)
    builder.setupPost()
    builder.save(path)
