// The log of a container: lines are filtered, marked, and followed as they are written. What is in them is text and
// nothing else; none of it is kept.
"use strict";
(() => {
  const MOST = 10000, ONCE_MORE = 5000;  // lines on the page; milliseconds until a connection that broke is made again
  const QUIET = 15000, RARELY = 120000, PATIENCE = 10000;
  const log = document.getElementById("log"), status = document.querySelector("[data-log-status]");
  const search = document.querySelector("[data-lines]"), button = document.querySelector("[data-follow]");
  if (!log) return;
  const wanted = () => search.value.toLowerCase();

  const show = (line, text, words) => {
    const at = words ? text.toLowerCase().indexOf(words) : -1;
    line.hidden = words !== "" && at < 0;
    if (at < 0) { if (line.childElementCount) line.textContent = text; return; }
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + words.length);
    line.replaceChildren(text.slice(0, at), mark, text.slice(at + words.length));
  };
  const filter = () => {
    const words = wanted();
    let count = 0;
    for (const line of log.children) { show(line, line.textContent, words); count += !line.hidden; }
    status.textContent = words ? `${status.dataset.matches} ${count}` : "";
  };
  let typed = 0;
  search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(filter, 150); });

  const append = (lines) => {
    const below = log.scrollHeight - log.scrollTop - log.clientHeight < 40, words = wanted();
    const fresh = document.createDocumentFragment();
    for (const text of lines.slice(-MOST)) {
      const line = document.createElement("span");
      line.textContent = text + "\n";
      if (words) show(line, line.textContent, words);
      fresh.append(line);
    }
    log.append(fresh);
    while (log.childElementCount > MOST) log.firstElementChild.remove();
    if (below) log.scrollTop = log.scrollHeight;
  };

  let stop = null, broken = false;  // the portal does not answer: it is followed again when it does
  const follow = async () => {
    stop = new AbortController();
    broken = false;
    button.setAttribute("aria-pressed", "true");
    const label = button.textContent;
    button.textContent = button.dataset.on;
    let first = true, rest = "";
    heard = Date.now();
    pause = QUIET;
    try {
      const answer = await fetch(`${log.dataset.source}&follow=true`, { signal: stop.signal, cache: "no-store" });
      if (!answer.ok) throw new Error(await whyNot(answer));
      log.hidden = false;
      status.textContent = status.dataset.following;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        heard = Date.now();
        pause = QUIET;
        if (first) { log.replaceChildren(); log.scrollTop = 0; first = false; }
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        if (lines.length) append(lines);
      }
      status.textContent = status.dataset.ended;
    } catch (error) {
      broken ||= error instanceof TypeError;  // of the connection
      if (broken) {
        status.textContent = status.dataset.broken;
        setTimeout(again, ONCE_MORE);
      } else status.textContent = error.name === "AbortError" ? "" : `${status.dataset.failed} ${error.message}`;
    }
    button.setAttribute("aria-pressed", "false");
    button.textContent = label;
    stop = null;
  };
  // A log that says nothing may have nothing to say, or its connection is dead and nobody has closed it: whether anything was
  // written meanwhile is asked by another one, less and less often.
  let heard = 0, pause = QUIET, asking = false;
  const doubt = async () => {
    const mine = stop, silent = Date.now() - heard;
    if (!mine || asking || silent < pause) return;
    asking = true;
    pause = Math.min(silent + pause, silent + RARELY);
    let dead = false;
    try {
      const since = Math.floor(silent / 1000) - 3;  // clocks count whole seconds, and a line takes its time
      const answer = await fetch(`${log.dataset.source}&sinceSeconds=${since}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      dead = answer.ok && (await answer.text()) !== "";
    } catch { dead = true; }
    asking = false;
    if (dead && stop === mine && Date.now() - heard >= silent) { broken = true; mine.abort(); }
  };
  setInterval(doubt, 1000);
  const again = () => { if (broken && !stop) follow(); };
  if (button) {
    button.addEventListener("click", () => { if (stop) stop.abort(); else follow(); });
    document.addEventListener("portal:lost", () => { if (stop) { broken = true; stop.abort(); } });
    document.addEventListener("portal:found", () => again());
    button.hidden = false;
  }
  addEventListener("pagehide", () => { if (stop) stop.abort(); });
  log.scrollTop = log.scrollHeight;
})();
