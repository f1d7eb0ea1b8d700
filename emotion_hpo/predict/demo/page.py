"""The page itself, in Gradio, which nothing else imports.

It is served on the loopback address alone, asks for nothing outside it (no fonts, no analytics, no
share), and keeps what is uploaded in a folder that ends with it.
"""

import os
import signal
import sys
import tempfile
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from emotion_hpo.config.turns_read import READINGS
from emotion_hpo.errors import missing_extra
from emotion_hpo.predict.demo.answers import LABELS, Given, Standing, add_turn, answer_page
from emotion_hpo.predict.demo.examples import write_examples
from emotion_hpo.predict.predictor import Predictor

#: Five minutes of stereo at 48 kHz, the longest that is read, are 58 MB.
LARGEST_MB = 60

_WORDS = "What was said, as words"
_EMPTY = "<p>Record or choose a file, type what was said, and press <b>Answer</b>.</p>"
_AGAIN = "Switch one off to see what it adds"


def serve_page(predictor: Predictor, standing: Standing, port: int) -> None:
    """Answer on 127.0.0.1 until Ctrl-C.

    Raises:
        ConfigError: Gradio is not installed.
    """
    import uvicorn
    from starlette.applications import Starlette

    # Uvicorn ends by the signal that it was sent, which by default would leave the folder behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="emotion-hpo-demo-") as folder:
        gradio = _import_gradio(Path(folder))
        page = _draw(gradio, predictor, standing, Path(folder))
        app = Starlette()
        app = gradio.mount_gradio_app(
            app,
            page,
            "",
            server_name="127.0.0.1",
            server_port=port,
            footer_links=[],
            max_file_size=f"{LARGEST_MB}mb",
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            theme=gradio.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            css=_read("page.css"),
            head=f"<script>{_read('page.js').replace('LARGEST_MB', str(LARGEST_MB))}</script>",
        )
        # An open page keeps a connection, which would put off the end for as long.
        uvicorn.run(
            app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
        )


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _import_gradio(folder: Path) -> Any:  # noqa: ANN401 (a module)
    """Import Gradio, which reads what it may do from the environment.

    Raises:
        ConfigError: It is not installed.
    """
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
    }
    try:
        import gradio
    except ImportError:
        raise missing_extra("demo", "gradio", "demo") from None
    return gradio


def _draw(gradio: Any, predictor: Predictor, standing: Standing, folder: Path) -> Any:  # noqa: ANN401
    """Return Gradio's blocks."""
    synthetic = " · trained on synthetic data" if predictor.synthetic else ""
    with gradio.Blocks(title="emotion_hpo", analytics_enabled=False) as page:
        gradio.Markdown(f"# {standing.name}{synthetic}\n\n{standing.score}")
        with gradio.Tab("One utterance"):
            _draw_utterance(gradio, predictor, folder)
        if predictor.reads:
            with gradio.Tab("A dialogue"):
                _draw_dialogue(gradio, predictor)
        with gradio.Accordion("What this model is not good for", open=True):
            gradio.Markdown("\n".join(f"- {limit}" for limit in standing.limits))
    return page


def _draw_utterance(gradio: Any, predictor: Predictor, folder: Path) -> None:  # noqa: ANN401
    columns = predictor.columns
    with gradio.Row(equal_height=False):
        with gradio.Column():
            fields = _fields(gradio, columns)
            labels = [(LABELS.get(column, column), column) for column in columns]
            used = gradio.CheckboxGroup(
                labels, value=list(columns), label=_AGAIN, visible=len(columns) > 1
            )
            button = gradio.Button("Answer", variant="primary", elem_id="answer")
        with gradio.Column():
            gradio.HTML('<div class="refused"></div>')
            answer = gradio.HTML(_EMPTY, elem_classes="answer", elem_id="shown")
            examples = gradio.Column()

    def respond(used: list[str], *values: str | None) -> str:
        return answer_page(predictor, _given(columns, values), used)

    gradio.on(_sent(button, fields), respond, [used, *fields], answer, api_visibility="private")
    used.change(respond, [used, *fields], answer, api_visibility="private")
    if {"text", "speech"} & set(columns):
        rows = [
            [{"text": words, "speech": str(path)}.get(column) for column in columns]
            for path, words in write_examples(folder)
        ]
        with examples:
            gradio.Examples(
                rows, fields, answer, partial(respond, list(columns)), run_on_click=True,
                cache_examples=False, label="Invented utterances, of the twin: choose one",
                api_visibility="private",
            )  # fmt: skip


def _draw_dialogue(gradio: Any, predictor: Predictor) -> None:  # noqa: ANN401
    columns = predictor.columns
    assert predictor.reads is not None
    gradio.Markdown(f"The model {READINGS[predictor.reads]}. Add what is said, turn by turn.")
    turns = gradio.State([])
    with gradio.Row(equal_height=False):
        with gradio.Column():
            speaker = gradio.Textbox("Ann", label="Who speaks", elem_id="speaker")
            fields = _fields(gradio, columns, "turn_")
            with gradio.Row():
                anew = gradio.Button("A new dialogue")
                add = gradio.Button("Add the turn", variant="primary", elem_id="add")
        with gradio.Column():
            gradio.HTML('<div class="refused"></div>')
            shown = gradio.HTML("", elem_classes="answer", elem_id="timeline")

    def respond(turns: list[Any], speaker: str, *values: str | None) -> tuple[Any, ...]:
        longer, page = add_turn(predictor, turns, _given(columns, values), speaker)
        is_added = len(longer) > len(turns)
        return longer, page, *(None if is_added else gradio.skip() for _ in fields)

    gradio.on(
        _sent(add, fields), respond, [turns, speaker, *fields], [turns, shown, *fields],
        api_visibility="private",
    )  # fmt: skip
    anew.click(lambda: ([], ""), None, [turns, shown], api_visibility="private")


def _sent(button: Any, fields: list[Any]) -> list[Any]:  # noqa: ANN401
    """Return what sends the fields: the button, and Enter after words."""
    return [button.click, *(field.submit for field in fields if hasattr(field, "submit"))]


def _fields(gradio: Any, columns: tuple[str, ...], prefix: str = "") -> list[Any]:  # noqa: ANN401
    """Return a field for each column; those of arrays are folded, for few people have any."""
    fields = {}
    for column in sorted(set(columns) & {"speech", "text"}):
        fields[column] = _field(gradio, column, prefix)
    if arrays := [column for column in columns if column not in fields]:
        with gradio.Accordion("Arrays", open=not fields):
            fields |= {column: _field(gradio, column, prefix) for column in arrays}
    return [fields[column] for column in columns]


def _field(gradio: Any, column: str, prefix: str = "") -> Any:  # noqa: ANN401
    """Return the component in which a person gives a column."""
    name = f"{prefix}{column.replace('.', '_')}"
    if column == "text":
        return gradio.Textbox(label=_WORDS, placeholder="so good to see you", elem_id=name)
    if column == "speech":
        return gradio.Audio(
            sources=["upload", "microphone"], type="filepath", label="A recording (WAV)",
            elem_id=name, buttons=[],
        )  # fmt: skip
    return gradio.File(label=f"{LABELS.get(column, column)}, a .npy of numbers", elem_id=name)


def _given(columns: tuple[str, ...], values: tuple[str | None, ...]) -> Given:
    return {column: value or "" for column, value in zip(columns, values, strict=True)}
