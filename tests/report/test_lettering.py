"""Names in figures: shown letter by letter, or a number that the caption explains."""

from types import SimpleNamespace

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.text import Text

from emotion_hpo.report import lettering
from emotion_hpo.report.final_plots import breakdown_plot, confusion_plot, recall_plot
from emotion_hpo.report.style import draw_figure, pictures
from tests.records import final_result, span

#: In no font that is installed: letters of a script that has no users, set aside for anyone.
UNSHOWN = "\U0010f001\U0010f002"


def result_of(classes):
    around = span(0.3, 0.7)
    recall = {"recall": 0.5, "interval": around, "n": 9}
    part = {"n": 9, "accuracy": 0.5, "accuracy_interval": around, "uar": 0.5,
            "uar_interval": around}  # fmt: skip
    counts = [[2 + (row == column) for column in range(len(classes))]
              for row in range(len(classes))]  # fmt: skip
    return final_result(
        test_session=classes[0],
        test_speakers=[*classes],
        confusion={"classes": [*classes], "counts": counts},
        recall_by_class=dict.fromkeys(classes, recall),
        by={"speaker": dict.fromkeys(classes, part)},
        synthetic=False,
    )


def shown_in(figure):
    """All words that are drawn, tick by tick."""
    return [
        text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()
    ]


@pytest.mark.parametrize("draw", [confusion_plot, recall_plot, breakdown_plot])
def test_letters_of_any_meaning_are_letters(draw):
    labels = ["$ang$_{x}$", "100% neu", "[/sad]", "a\\b #&~^_", r"\$", "über 😀", "«ой»"]
    result = result_of(labels)
    plot = draw(result if draw is confusion_plot else SimpleNamespace(result=result))
    images = pictures(plot.figure)
    assert images.png.startswith(b"\x89PNG")
    for label in labels:
        assert any(label in text for text in shown_in(plot.figure)), label
    assert plot.figure.key == {}
    assert plot.whole_caption == plot.caption


def test_what_no_font_has_is_a_number_that_the_caption_explains():
    label, other = f"{UNSHOWN} and {UNSHOWN} ", f"mild {UNSHOWN[1]}"
    plot = confusion_plot(result_of([label, other, "calm"]))
    pictures(plot.figure)  # a box would be a warning, and so an error
    texts = shown_in(plot.figure)
    assert texts.count("⟨1⟩ and ⟨1⟩ ") == 2  # on both axes
    assert texts.count("mild ⟨2⟩") == 2
    assert texts.count("calm") == 2
    assert plot.whole_caption.endswith(f" In the figure ⟨1⟩ is {UNSHOWN}, ⟨2⟩ is {UNSHOWN[1]}.")


def test_names_too_long_for_an_axis_are_told_apart_by_the_caption():
    labels = ["n" * 200 + end for end in "ab"]
    plot = confusion_plot(result_of([*labels, "calm"]))
    assert shown_in(plot.figure).count("⟨2⟩") == 2
    assert plot.figure.key == {"⟨1⟩": labels[0], "⟨2⟩": labels[1]}


@pytest.fixture
def font(tmp_path, monkeypatch):
    """An installed font that has the two letters, as squares."""
    pen = TTGlyphPen(None)
    for step, place in enumerate([(0, 0), (0, 700), (600, 700), (600, 0)]):
        (pen.lineTo if step else pen.moveTo)(place)
    pen.closePath()
    square, names = pen.glyph(), [".notdef", "first", "second"]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(UNSHOWN[0]): "first", ord(UNSHOWN[1]): "second"})
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (650, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Set Aside", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = tmp_path / "aside.ttf"
    builder.save(path)
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist])
    font_manager.fontManager.addfont(path)
    lettering._installed.cache_clear()
    yield "Set Aside"
    lettering._installed.cache_clear()
    font_manager.fontManager._findfont_cached.cache_clear()


def test_an_installed_font_that_has_the_letters_is_taken(font):
    plot = confusion_plot(result_of([UNSHOWN, "calm"]))
    assert plot.figure.key == {}
    assert shown_in(plot.figure).count(UNSHOWN) == 2
    pictures(plot.figure)  # a letter that no font of the text had would be a warning
    assert lettering.fonts_for(plot.figure) == [font]


def test_a_figure_of_ordinary_letters_looks_for_no_font(monkeypatch):
    monkeypatch.setattr(lettering, "_installed", lambda: pytest.fail("it looked"))
    figure = draw_figure(4.6, 3, lambda axes: axes.set_xlabel("recall (%)"), synthetic=True)
    assert figure.key == {}
