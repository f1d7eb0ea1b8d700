"""A headless browser, and servers for it to look at."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def open_browser(profile: Path, spoken: Path | None = None) -> Any:
    """Return headless Chromium; its microphone hears a WAV file, again and again."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1500,1400",
        f"--user-data-dir={profile}",
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    ):  # fmt: skip
        options.add_argument(flag)
    if spoken is not None:
        options.add_argument(f"--use-file-for-fake-audio-capture={spoken}")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(arguments, address, path, scratch):
    """Run a command as long as the context lasts; it is there once a path of it answers.

    What it keeps in `scratch`, its folder of temporary files, it takes away.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", "from emotion_hpo.cli.app import main; main()", *arguments],
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 300
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}{path}", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < end, "the server did not start"
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert not list(scratch.iterdir())


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
