"""What people see, in a real browser: the report, MLflow's pages, the model, optuna-dashboard.

Each look is kept as a picture in the folder that `EMOTION_HPO_SCREENSHOTS` names, or pytest's.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hydra import compose, initialize_config_dir
from mlflow import MlflowClient
from omegaconf import OmegaConf

from emotion_hpo.cli import final
from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config import build
from emotion_hpo.predict import Predictor, Utterance, read_sound
from emotion_hpo.report.document import Listing, Page, PageSection, Table
from emotion_hpo.report.page_files import write_page
from emotion_hpo.study import ReportHome, StudyHome
from emotion_hpo.tracking import tracking_uri
from tests.browsing import free_port, open_browser, page, serving, unfold, wait_for
from tests.needed import need_program
from tests.pipeline import SMALL, compose_config, search

for program in ("chromium", "chromedriver"):
    need_program(program)


#: Of the tones that are played to the microphone.
PITCHES_HZ = (200, 1500)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """What the browser's microphone hears, again and again: a low tone, then a high one."""
    path = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    places = np.arange(48_000) / 48_000
    tones = [0.4 * np.sin(2 * np.pi * pitch * places) for pitch in PITCHES_HZ]
    soundfile.write(path, np.concatenate(tones), 48_000, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory, spoken):
    """Headless Chromium, whose microphone is a file."""
    driver = open_browser(tmp_path_factory.mktemp("profile"), spoken)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def study(tmp_path_factory, small_features):
    """A study with everything: searched, its best trial scored, its report written."""
    directory = tmp_path_factory.mktemp("browsed") / "studies"
    directory.mkdir()
    (directory / "features").symlink_to(small_features)
    where = (f"study.directory={directory}", "study.name=study")
    size = ("study.n_trials=3", "launcher.n_workers=2", "pruner=none")
    config = compose_config(*SMALL, *where, "tracking=mlflow", *size)
    search(config)
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        plain = OmegaConf.to_container(compose("final", [*where]), resolve=True)
    final.run(build(final.FinalCommand, plain), {})
    return StudyHome(directory, "study"), config


@pytest.fixture(scope="module")
def served(study, tmp_path_factory):
    """The study, and where `emotion-hpo ui` shows it: MLflow's address, and the dashboard's."""
    home, config = study
    port, dashboard = free_port(), free_port()
    arguments = ["ui", f"study.directory={home.directory}", "study.name=study", f"port={port}"]
    arguments += ["dashboard=true", f"dashboard_port={dashboard}"]
    address = f"http://127.0.0.1:{port}"
    with serving(arguments, address, "/health", tmp_path_factory.mktemp("scratch")):
        yield home, config, address, f"http://127.0.0.1:{dashboard}"


@pytest.fixture
def keep(browser, tmp_path):
    """Keep what the browser shows as a picture: `keep("report")`."""
    folder = Path(os.environ.get("EMOTION_HPO_SCREENSHOTS", tmp_path))

    def save(name):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        browser.save_screenshot(path)
        assert path.stat().st_size > 10_000

    return save


def test_the_study_its_trials_a_trials_curves_and_the_model(browser, served, keep):
    from selenium.webdriver.common.by import By

    home, config, address, _ = served
    client = MlflowClient(tracking_uri(home, config.tracking))
    experiment = client.get_experiment_by_name(config.tracking.experiment).experiment_id
    found = {run.info.run_name: run for run in client.search_runs([experiment])}
    names = ["trial_0", "trial_1", "trial_2"]
    (final,) = set(found) - {"study", *names}

    base = f"{address}/#/experiments/{experiment}"
    page(browser, f"{base}/runs", "study", "5 matching runs")
    unfold(browser, "study")
    wait_for(browser, *names, final)
    keep("mlflow_runs")

    parent = f"{base}/runs/{found['study'].info.run_id}"
    page(browser, parent, config.study.question, "twin (training)", "study/best_value")
    link = browser.find_element(By.LINK_TEXT, "Report").get_attribute("href")
    assert link == f"{parent}/artifacts/report/index.html"
    keep("mlflow_study")
    page(browser, f"{parent}/artifacts", "report", "search.json")
    run = f"{base}/runs/{found['trial_0'].info.run_id}"
    page(browser, run, "trial_0", "model.dropout", "training.learning_rate", "val/accuracy")
    page(browser, f"{run}/model-metrics", "trial_0 (train/loss)", "val")
    keep("mlflow_trial")
    page(browser, f"{run}/system-metrics", "cpu_cores", "memory_peak_mb")
    keep("mlflow_system")
    page(browser, f"{address}/#/models/study", "Version 1", "@ best")
    page(browser, f"{address}/#/models/study/versions/1", "synthetic data", "Test accuracy")
    keep("mlflow_model")


def test_the_report(browser, study, keep):
    home, config = study
    browser.get(home.report.page.as_uri())
    text = wait_for(browser, config.study.question, "On the test session", "synthetic data")
    assert "The test session has been opened once" in text
    (picture,) = home.path.glob("final/*/confusion.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    widths = "return [...document.images].map(one => one.complete && one.naturalWidth)"
    assert all(browser.execute_script(widths))
    assert browser.execute_script("return document.images.length") > 8
    keep("report")
    sizes = "return [document.documentElement.scrollWidth, window.innerWidth]"
    for width in (700, 1500):  # the last is what later looks are made with
        browser.set_window_size(width, 1400)
        needed, there = browser.execute_script(sizes)
        assert needed <= there, "it does not fit the window"


@pytest.fixture(scope="module")
def demo(study, tmp_path_factory):
    """The address of `emotion-hpo demo`, the model that it shows, and where it stores uploads."""
    home, _ = study
    port, (model,) = free_port(), home.path.glob("final/*/result.json")
    address = f"http://127.0.0.1:{port}"
    arguments = ["demo", f"model={home.path}", f"port={port}"]
    folder = tmp_path_factory.mktemp("demo")
    with serving(arguments, address, "/", folder):
        yield address, Predictor.open(model.with_name("model.pt")), folder


def test_a_model_is_tried_by_an_upload(browser, demo, keep, tmp_path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    address, predictor, _ = demo
    samples = (0.1 * np.random.default_rng(0).standard_normal(24_000)).astype(np.float32)
    files = {name: tmp_path / f"{name}.wav" for name in ("sound", "empty", "text", "huge")}
    soundfile.write(files["sound"], samples, 16_000, subtype="FLOAT")
    soundfile.write(files["empty"], np.zeros(0), 16_000)
    files["text"].write_text("these are words\n" * 99)
    with files["huge"].open("wb") as file:
        file.truncate(100 * 2**20)

    def find(selector):
        return WebDriverWait(browser, 30).until(
            lambda driver: driver.find_element(By.CSS_SELECTOR, selector)
        )

    def upload(name, is_taken=True):
        for button in browser.find_elements(By.CSS_SELECTOR, "#speech button[aria-label=Clear]"):
            button.click()
        find("#speech input[type=file]").send_keys(str(files[name]))
        if is_taken:
            find("#speech button[aria-label=Clear]")

    page(browser, address, "95 % interval", "What this model is not good for", "synthetic data")
    find("#text textarea").send_keys("so good to see you")
    upload("sound")
    find("#answer").click()
    text = wait_for(browser, "Answered from recording, words.")
    (answer,) = predictor.answer([Utterance("so good to see you", samples)])
    assert all(f"{100 * share:.2f} %" in text for share in answer.probabilities)
    find("input[name=text]").click()
    wait_for(browser, "Answered from recording. The marks show the answer with words, too.")
    keep("demo")
    for name, line in (
        ("empty", "empty.wav: the recording has no samples."),
        ("text", "text.wav is not a WAV file (Format not recognised)."),
    ):
        upload(name)
        find("#answer").click()
        wait_for(browser, line)
    upload("huge", is_taken=False)
    wait_for(browser, "huge.wav has 100 MB, a file at most 60 MB")
    urls = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    assert all(url.startswith((address, "data:", "blob:")) for url in browser.execute_script(urls))


def test_a_model_is_tried_by_a_microphone(browser, demo, keep):
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    address, predictor, folder = demo

    def find(selector):
        """The first such element that is shown, or None; Gradio draws many anew."""
        elements = browser.find_elements(By.CSS_SELECTOR, selector)
        return next((element for element in elements if element.is_displayed()), None)

    def press(selector):
        wait.until(lambda _: (button := find(selector)) and (button.click() or True))

    def answered(driver):
        """Ask until what was recorded has been sent, which the page does not show."""
        find("#answer").click()
        text = driver.find_element(By.TAG_NAME, "body").text
        return text if "Answered from recording." in text else None

    wait = WebDriverWait(browser, 120, poll_frequency=2, ignored_exceptions=[WebDriverException])

    page(browser, address, "What this model is not good for")
    press("#speech button[aria-label='Record audio']")
    press("#speech .record-button")
    wait_for(browser, "0:02")
    press("#speech .stop-button")
    text = wait.until(answered)
    keep("demo_microphone")
    (recorded,) = folder.rglob("audio.wav")
    samples, rate = soundfile.read(recorded, dtype="float32", always_2d=True)
    spectrum = np.abs(np.fft.rfft(samples.mean(1)))
    loudest_hz = np.argsort(spectrum)[-1] * rate / len(samples)
    assert min(abs(loudest_hz - pitch) for pitch in PITCHES_HZ) < 10
    (answer,) = predictor.answer([Utterance(None, *read_sound(recorded, "it"))])
    assert all(f"{100 * share:.2f} %" in text for share in answer.probabilities)


def test_print_shows_folded_tables_whole(browser, tmp_path):
    rows = [(number, "yes") for number in range(100)]
    table = Table("long", "A long table", ("n", "word"), rows)
    listing = Listing("A configuration", "a: 1")
    page = Page("p", "Study", "?", False, (), [PageSection("s", "S", [table, listing])])
    browser.get(write_page(page, ReportHome(tmp_path)).as_uri())
    seen = (
        "return ['tr:last-child td', 'pre'].map(one => document.querySelector(one)"
        ".checkVisibility({contentVisibilityAuto: true}))"
    )
    assert browser.execute_script(seen) == [False, False]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(browser, 20).until(lambda it: it.execute_script(seen) == [True, False])
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_optuna_dashboard(browser, served, keep):
    """Beside MLflow, by `ui dashboard=true`."""
    address = served[3]
    page(browser, f"{address}/dashboard", "study")
    page(browser, f"{address}/dashboard/studies/1", "study", "model.dropout")
    keep("optuna_dashboard")
