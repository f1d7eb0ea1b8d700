"""No word of a figure lies on another or beyond its edge, whatever was searched."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.text import Text

from emotion_hpo.report.reading import read_findings
from emotion_hpo.report.study_page import study_page
from tests.report.studies import begin, config_for, confirm, trials, write_all, write_final

pytestmark = pytest.mark.no_cover


def corners(text, renderer):
    """Corners `(4, 2)` of the box around a text, turned as the text is."""
    turned = text.get_rotation()
    if text.get_rotation_mode() != "anchor" or not turned:
        return np.array(text.get_window_extent(renderer).corners())[[0, 1, 3, 2]]
    anchor = text.get_transform().transform(text.get_position())
    text.set_rotation(0)
    level = np.array(text.get_window_extent(renderer).corners())[[0, 1, 3, 2]]
    text.set_rotation(turned)
    angle = np.deg2rad(turned)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return anchor + (level - anchor) @ turn


def overlap(first, second, slack=1.0):
    """Whether two boxes lie on each other: no edge of either has them on its two sides."""
    for start, end in [*pairwise([*first, first[0]]), *pairwise([*second, second[0]])]:
        across = np.array([start[1] - end[1], end[0] - start[0]]) / np.hypot(*(end - start))
        left, right = first @ across, second @ across
        if left.max() < right.min() + slack or right.max() < left.min() + slack:
            return False
    return True


@pytest.fixture
def drawn(monkeypatch):
    """Draw a figure; return what was written in it, and where."""

    def draw(figure):
        boxes = {}
        with monkeypatch.context() as patched:
            write = Text.draw

            def note(text, renderer, *rest, **named):
                write(text, renderer, *rest, **named)
                if text.get_visible() and text.get_text().strip():
                    boxes[text] = corners(text, renderer)

            patched.setattr(Text, "draw", note)
            figure.canvas.draw()
        return [(text.get_text(), box) for text, box in boxes.items()]

    return draw


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("study=best",),
        ("study=paper",),
        ("model=cross_attention",),
        ("model=poria/bc_lstm", "space=poria_bc_lstm"),
    ],
    ids=lambda overrides: " ".join(overrides) or "quick",
)
def test_no_word_lies_on_another(tmp_path, drawn, overrides):
    config = config_for(tmp_path, "study", *overrides)
    home = begin(tmp_path, "study", *overrides)
    made = [*trials(24, config)]
    write_all(home, config, made)
    write_final(home)
    confirm(home, made[:4])
    for plot in study_page(read_findings(home)).plots():
        words = drawn(plot.figure)
        assert words, plot.name
        for (first, box), (second, other) in combinations(words, 2):
            assert not overlap(box, other), (plot.name, first, second)
        for word, box in words:
            width, height = plot.figure.bbox.max
            is_inside = (box >= -1).all() and (box <= np.array([width, height]) + 1).all()
            assert is_inside, (plot.name, word)
