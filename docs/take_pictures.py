"""Takes the pictures of README.md and of gallery.md from a study that is scored and reported.

    make search && make final && make report
    .venv/bin/python docs/take_pictures.py            # of studies/quick; or of another folder

It needs Chromium and its driver (`bash tests/setup.sh`) and the extras `demo` and `dev`. Look at
what it wrote before it is committed.
"""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from emotion_hpo.study import StudyHome
from tests.browsing import free_port, open_browser, page, serving, unfold, wait_for

IMAGES = Path(__file__).parent / "images"

#: Pixels of a picture's longer side: a screen shows no more of a column of text.
WIDEST = 1200

#: Metrics that the table of MLflow's runs shows.
METRICS = ("best/value", "best/epoch", "test/accuracy")


def store(png: bytes, name: str, widest: int = WIDEST) -> None:
    """Store a picture in 256 colours, which halves it."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((widest, 2 * widest))
    picture.quantize(256).save(IMAGES / f"{name}.png", optimize=True)
    print(IMAGES / f"{name}.png")


@contextmanager
def command(*arguments: str, path: str) -> Iterator[str]:
    """Run `emotion-hpo` with a port of its own; it answers at the address as long."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving([*arguments, f"port={port}"], address, path, Path(scratch)),
    ):
        yield address


def await_one(browser: Any, kind: str, which: str) -> Any:
    """Return the first element that is such, once there is one."""
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, 60).until(lambda it: it.find_element(kind, which))


def take_figures(home: StudyHome) -> None:
    """Copy the report's figures that gallery.md shows."""
    for path in sorted(IMAGES.glob("gallery_*.png")):
        figure = home.report.figure(path.stem.removeprefix("gallery_"), "png")
        store(figure.read_bytes(), path.stem, widest=900)


def take_report(browser: Any, home: StudyHome) -> None:
    """Take the head of the report."""
    browser.set_window_size(1200, 970)
    page(browser, home.report.page.as_uri(), "On the test session")
    store(browser.get_screenshot_as_png(), "report")


def take_mlflow(browser: Any, home: StudyHome) -> None:
    """Take the study's runs in MLflow, with what they reached."""
    from mlflow import MlflowClient
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    from emotion_hpo.config.tracking import MlflowTracking
    from emotion_hpo.study import study_file
    from emotion_hpo.tracking import tracking_uri

    tracking = study_file.read(home).config.tracking
    assert isinstance(tracking, MlflowTracking)
    client = MlflowClient(tracking_uri(home, tracking))
    experiment = client.get_experiment_by_name(tracking.experiment)
    arguments = ("ui", f"study.directory={home.directory}", f"study.name={home.name}")
    browser.set_window_size(1500, 970)
    with command(*arguments, path="/health") as address:
        where = f"{address}/#/experiments/{experiment.experiment_id}/runs"
        page(browser, f"{where}?workflowType=machine_learning", home.name, "matching runs")
        unfold(browser, home.name)
        wait_for(browser, "trial_0")
        assistant = "//*[normalize-space(text())='MLflow Assistant']/following::button[3]"
        await_one(browser, By.XPATH, assistant).click()
        columns = browser.find_element(By.XPATH, "//button[contains(., 'Columns')]")
        columns.click()
        search = browser.find_element(By.CSS_SELECTOR, "input[placeholder='Search columns']")
        for column in ("Source", "Models", *METRICS):
            search.send_keys(Keys.CONTROL, "a")
            search.send_keys(column)
            title = f"//*[contains(@class, 'tree-title')][normalize-space(.)='{column}']"
            await_one(browser, By.XPATH, title).click()
        columns.click()
        wait_for(browser, *METRICS)
        store(browser.get_screenshot_as_png(), "mlflow")


def take_demo(browser: Any, home: StudyHome) -> None:
    """Take an answer of the final model, its words switched off."""
    from selenium.webdriver.common.by import By

    browser.set_window_size(1200, 1140)
    with command("demo", f"model={home.path}", path="/") as address:
        page(browser, address, "What this model is not good for", "Invented utterances")
        browser.find_elements(By.CSS_SELECTOR, "table tbody tr")[1].click()
        wait_for(browser, "Answered from recording, words")
        browser.find_element(By.CSS_SELECTOR, "input[name=text]").click()
        wait_for(browser, "The marks show the answer with words, too.")
        browser.execute_script("window.scrollTo(0, 0)")
        store(browser.get_screenshot_as_png(), "demo")


def main(folder: Path) -> None:
    """Take every picture of a study."""
    home = StudyHome(folder.resolve().parent, folder.name)
    take_figures(home)
    with tempfile.TemporaryDirectory() as profile:
        browser = open_browser(Path(profile))
        try:
            for take in (take_report, take_mlflow, take_demo):
                take(browser, home)
        finally:
            browser.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "studies/quick"))
