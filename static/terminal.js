// Commands in a container, one at a time: what one writes is shown as it comes, as text and nothing else; none of it is
// kept. The arrow keys bring back what was run before on this page.
"use strict";
(() => {
  const MOST = 10000;  // lines on the page
  const form = document.querySelector("[data-terminal]"), screen = document.getElementById("terminal");
  if (!form) return;
  const status = document.querySelector("[data-terminal-status]"), stop = form.querySelector("[data-stop]");
  const line = form.elements.line, run = form.querySelector("button.main"), history = [];
  let place = 0, running = null;

  const append = (text, kind) => {
    const below = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 40;
    const fresh = document.createDocumentFragment();
    for (const each of text.replace(/\n$/, "").split("\n").slice(-MOST)) {
      const row = document.createElement("span");
      if (kind) row.className = kind;
      row.textContent = each + "\n";
      fresh.append(row);
    }
    screen.append(fresh);
    while (screen.childElementCount > MOST) screen.firstElementChild.remove();
    if (below) screen.scrollTop = screen.scrollHeight;
  };
  const words = (text) => form.elements.shell.checked
    ? ["sh", "-c", text]
    : (text.match(/"[^"]*"|'[^']*'|\S+/g) || []).map((each) => each.replace(/^(["'])(.*)\1$/, "$2"));

  const told = ({ stream, text, ended }) => {
    if (!ended) { append(text, stream); return; }
    const how = ended.exitCode === null ? ended.message : `${form.dataset.exit} ${ended.exitCode}`;
    status.textContent = `${how} · ${ended.seconds} ${form.dataset.seconds}`;
    append(`[${status.textContent}]`, "soft");
  };
  const passOn = async (answer) => {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const each of lines) told(JSON.parse(each));
    }
  };
  const begin = async (text) => {
    running = new AbortController();
    run.disabled = true;
    stop.hidden = false;
    status.textContent = "";
    append(`$ ${text}`, "prompt");
    const headers = { "Content-Type": "application/json", "X-CSRFToken": form.dataset.token };
    const body = JSON.stringify({ container: form.elements.container.value, command: words(text) });
    try {
      const answer = await fetch(form.dataset.terminal, { method: "POST", headers, body, signal: running.signal });
      if (answer.ok) await passOn(answer);
      else throw new Error(await whyNot(answer));
    } catch (error) {
      const broken = error instanceof TypeError ? form.dataset.broken : `${form.dataset.failed} ${error.message}`;
      const why = error.name === "AbortError" ? form.dataset.stopped : broken;
      status.textContent = why;
      append(`[${why}]`, "soft");
    }
    running = null;
    run.disabled = false;
    stop.hidden = true;
    line.focus();
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = line.value.trim();
    if (running || !text) return;
    history.push(text);
    place = history.length;
    line.value = "";
    begin(text);
  });
  line.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by || !history.length) return;
    event.preventDefault();
    place = Math.min(Math.max(place + by, 0), history.length);
    line.value = history[place] || "";
  });
  stop.addEventListener("click", () => { if (running) running.abort(); });
  addEventListener("pagehide", () => { if (running) running.abort(); });
})();
