"""What the overview costs the main thread of a real browser: on load, and for each live update of it."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.browser.conftest import FLAGS
from tests.services import chromium, connects, free_port, wait_for

from .. import rows, stage
from ..live import change, cookie

GRIDS = 20
SECONDS = 30.0
TURNING = 10  # every so many changes are one of the cell's state, which the map shows
TAKEN = {
    "update": "TaskDuration",
    "script": "ScriptDuration",
    "style": "RecalcStyleDuration",
    "layout": "LayoutDuration",
    "layouts": "LayoutCount",
}
OBSERVE = """
window.tasks = []; window.updates = 0;
new PerformanceObserver((list) => { for (const each of list.getEntries()) window.tasks.push(each.duration); })
  .observe({ type: "longtask", buffered: true });
document.addEventListener("htmx:afterSettle", ({ detail }) => { window.updates += detail.target?.id === "live"; });
"""


def run(world: str = "rows:10000x1000") -> dict[str, Any]:
    """`{load, update, script, style, layout, layouts, updates, longest, long}`: milliseconds of the main thread's
    processor for the load and for an update while 50 cells a second change, five of them their state; what of an update
    is scripts, style and layout, and how often the page was laid out for one; how many updates there were, the longest
    task of an update, and how many were longer than 50 ms (by the clock, which tells of nothing but the machine where
    others work on it)."""
    nodes, units = map(int, world.removeprefix("rows:").split("x"))
    with stage.stage("large:1x1"):
        rows.fill(nodes, units, GRIDS, nodes)
        port, said = free_port(), cookie()
        os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
        with stage.process([*stage.command("web"), "--port", str(port)]):
            wait_for(lambda: connects(port), 60, "the web process listens")
            over = threading.Event()
            changing = stage.in_background(lambda: change(over, TURNING))
            try:
                # Playwright keeps an event loop, in which Django asks no database.
                with ThreadPoolExecutor(1) as thread:
                    return thread.submit(_watch, port, said).result()
            finally:
                over.set()
                changing.join()


def _watch(port: int, said: str) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    name, _, value = said.partition("=")
    address = f"http://127.0.0.1:{port}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": name, "value": value, "url": address}])
        page = context.new_page()
        page.add_init_script(OBSERVE)
        probe = context.new_cdp_session(page)
        probe.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(f"{address}/?group=site", wait_until="load")
        load = _taken(probe)["update"]
        page.evaluate("window.tasks = []; window.updates = 0")
        before = _taken(probe)
        time.sleep(SECONDS)
        after, updates, tasks = _taken(probe), page.evaluate("window.updates"), page.evaluate("window.tasks")
        browser.close()
    each = {name: (after[name] - before[name]) / max(updates, 1) for name in TAKEN}
    return {"load": load, **each, "updates": updates, "longest": max(tasks, default=0.0), "long": len(tasks)}


def _taken(probe: Any) -> dict[str, float]:
    """What the main thread has done so far: milliseconds of its processor, and how often the page was laid out."""
    metrics = {each["name"]: each["value"] for each in probe.send("Performance.getMetrics")["metrics"]}
    return {name: metrics[metric] * (1 if name == "layouts" else 1000) for name, metric in TAKEN.items()}
