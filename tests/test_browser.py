"""What people see of MLflow, in a real browser: the study's page, its trials, a trial's curves."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from mlflow import MlflowClient

from emotion_hpo.search.coordinator import search
from emotion_hpo.tracking import tracking_uri

MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING) and "CI" not in os.environ,
    reason=f"{', '.join(MISSING)} not installed; `bash tests/setup.sh` does it",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    profile = tmp_path_factory.mktemp("profile")
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--window-size=1500,1400", f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(flag)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(make_study):
    """A searched study, and the address at which `emotion-hpo ui` shows it."""
    overrides = ("tracking=mlflow", "study.n_trials=3", "launcher.n_workers=2", "pruner=none")
    home, config = make_study("study", *overrides)
    search(config)
    port = free_port()
    program = "from emotion_hpo.cli import main; main()"
    arguments = ["ui", f"study.directory={home.directory}", f"port={port}"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()
            break
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.2)
    yield home, config, address
    process.terminate()
    process.wait(timeout=30)


def page(browser, address, *words):
    """Open a page and wait until all words stand on it; return its text."""
    browser.get(address)
    return wait_for(browser, *words)


def wait_for(browser, *words):
    """Wait until all words stand on the page; return its text."""
    from selenium.webdriver.common.by import By

    end = time.monotonic() + 60
    while True:
        text = browser.find_element(By.TAG_NAME, "body").text
        if all(word in text for word in words):
            return text
        missing = [word for word in words if word not in text]
        assert time.monotonic() < end, f"{missing} not on the page:\n{text[:3000]}"
        time.sleep(0.3)


def unfold(browser, name):
    """Show the children of a run in the table of runs."""
    from selenium.webdriver.common.by import By

    cell = f"//a[normalize-space()='{name}']/ancestor::div[@role='gridcell']"
    browser.find_element(By.XPATH, f"{cell}//button").click()


def test_the_study_its_trials_and_a_trials_curves(browser, served, tmp_path):
    home, config, address = served
    client = MlflowClient(tracking_uri(home, config.tracking))
    experiment = client.get_experiment_by_name(config.tracking.experiment).experiment_id
    found = {run.info.run_name: run for run in client.search_runs([experiment])}
    names = ["trial_0", "trial_1", "trial_2"]
    assert set(found) == {"study", *names}

    base = f"{address}/#/experiments/{experiment}"
    page(browser, f"{base}/runs", "study", "4 matching runs")
    unfold(browser, "study")
    wait_for(browser, *names)
    browser.save_screenshot(tmp_path / "study.png")

    run = f"{base}/runs/{found['trial_0'].info.run_id}"
    page(browser, run, "trial_0", "model.dropout", "training.learning_rate", "val/accuracy")
    page(browser, f"{run}/model-metrics", "trial_0 (train/loss)", "val")
    browser.save_screenshot(tmp_path / "trial.png")
    assert (tmp_path / "trial.png").stat().st_size > 10_000
