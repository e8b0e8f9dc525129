"""The pictures of the documents, made anew from the demo: `make screenshots` writes docs/images."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.conftest import FLAGS, visiting
from tests.ops.install import demos
from tests.services import chromium

TARGET = Path(__file__).parent.parent / "docs" / "images"
MOST_FILES, MOST_BYTES = 12, 1_500_000
GRID = "/grids/deploymentgrids/default/shop-frontend/"


@dataclass(frozen=True, slots=True)
class Shot:
    """A page of the demo by its address, in a language and a theme, so many pixels wide."""

    address: str
    language: str = "en"
    theme: str = "light"
    width: int = 1440
    height: int = 900


SHOTS = {
    "overview": Shot("/"),
    "overview.zh-CN": Shot("/", "zh-hans"),
    "overview-dark.zh-CN": Shot("/", "zh-hans", "dark"),
    "overview-phone.zh-CN": Shot("/", "zh-hans", "light", 400, 800),
    "matrix-dark": Shot("/matrix/", "en", "dark"),
    "workload": Shot(GRID),
    "workload-phone-dark": Shot(GRID, "en", "dark", 400, 800),
    "assign.zh-CN": Shot("/labels/assign/", "zh-hans"),
    "activity": Shot("/activity/"),
}


def main() -> None:
    """Start a demo, look at it, write one file for each picture, and remove what is no picture of ours any more."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        demos.running(Path(folder) / "state", DEMO_WORLD="sites") as demo,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        for name, shot in SHOTS.items():
            _take(browser, demo, shot, TARGET / f"{name}.png")
        browser.close()
    for old in TARGET.glob("*.png"):
        if old.stem not in SHOTS:
            old.unlink()


def _take(browser: Any, demo: demos.Demo, shot: Shot, target: Path) -> None:
    how = {"language": shot.language, "theme": shot.theme, "width": shot.width, "height": shot.height}
    with visiting(browser, demo, **how) as visit:
        visit.page.emulate_media(reduced_motion="reduce")
        page = visit.open(shot.address)
        page.wait_for_selector("#live-badge[data-state=live]")
        page.screenshot(path=target)


if __name__ == "__main__":
    main()
