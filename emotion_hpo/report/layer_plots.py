"""What a network has learnt to weigh the layers of a pretrained model with."""

from matplotlib.axes import Axes

from emotion_hpo.report.findings import Final
from emotion_hpo.report.style import BLUE, GREY, NARROW, Plot, draw_figure
from emotion_hpo.study.records.final_result import LayerWeights


def layer_plots(final: Final) -> list[Plot]:
    """Plot the weights of the layers, a figure for each modality that has some."""
    return [
        _plot(final, modality, entry)
        for modality, entry in sorted((final.result.layer_weights or {}).items())
    ]


def _plot(final: Final, modality: str, mix: LayerWeights) -> Plot:
    layers, weights = list(mix.layers), mix.weights
    means = [sum(column) / len(weights) for column in zip(*weights, strict=True)]

    def draw(axes: Axes) -> None:
        axes.bar(layers, means, color=BLUE, label="mean")
        for row in weights:
            axes.plot(layers, row, ".", color=GREY, ms=4)
        axes.axhline(1 / len(layers), color=GREY, lw=1, ls="--", label="all the same")
        axes.set_xticks(layers)
        axes.set_xlabel("hidden state (0 enters the first layer)")
        axes.set_ylabel("weight")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    caption = (
        f"Weight of each layer of the pretrained model that reads {modality}, as learnt by "
        f"{len(weights)} network{'s' * (len(weights) > 1)} (dots) of {final.result.trial}; "
        "together 1."
    )
    figure = draw_figure(NARROW, 3.2, draw, synthetic=final.result.synthetic)
    return Plot(f"layers_{modality}", f"Layers of {modality}", caption, figure)
