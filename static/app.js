// Small comforts on top of pages that work without them: ages that tick, keys, selections that survive a refresh, copying.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("js");

  // Ages: the server's own texts, so that both say the same, and by the server's clock: to a browser whose own is behind, old
  // news would be new. What a script notes down is by the browser's (data-own). Where what an answer says of the time is not
  // what the browser takes it to be, the server is asked.
  const body = document.body.dataset, ages = JSON.parse(body.ages), CLOSE = 5000;
  let behind = 0, asking = false;  // milliseconds that the browser's clock is behind
  const compare = async (date) => {
    if (asking || !(Math.abs(Date.parse(date) - Date.now() - behind) > CLOSE)) return;
    asking = true;
    try {
      const since = Date.now(), answer = await fetch(body.ping, { headers: { "HX-Request": "true" }, cache: "no-store" });
      const there = Date.parse(answer.headers.get("Date")) - (since + Date.now()) / 2;
      if (isFinite(there)) behind = Math.abs(there) > CLOSE ? there : 0;
      tick();
    } catch { /* the page says that the server does not answer (static/live.js) */ }
    asking = false;
  };
  document.addEventListener("htmx:afterRequest", ({ detail }) => compare(detail.xhr.getResponseHeader("Date")));
  const tick = () => {
    if (document.hidden) return;
    for (const time of $$("time[data-age]")) {
      if (!time.dateTime) continue;
      const seconds = Math.max(0, Math.floor((Date.now() + ("own" in time.dataset ? 0 : behind) - Date.parse(time.dateTime)) / 1000));
      const [, divisor, texts] = ages.find(([limit]) => limit === null || seconds < limit);
      const shown = texts[time.dataset.age || "ago"].replace("%(n)s", Math.floor(seconds / divisor));
      if (time.textContent !== shown) time.textContent = shown;
    }
  };
  setInterval(tick, 1000);
  for (const aged of ["portal:lost", "portal:aged"]) document.addEventListener(aged, tick);
  compare(body.made);

  // Why something was not done, in the reader's language: what the portal says, or that something before it answered.
  window.whyNot = async (answer) => {
    try {
      const problem = await answer.json(), fields = (problem.errors || []).map((each) => each.detail);
      return [problem.detail, ...fields].join(" ");
    } catch { return `${body.noAnswer} (${answer.status})`; }
  };

  // On a phone, whose tabs are wider than the screen, the one of this page is in view.
  const tab = matchMedia("(max-width: 47.5em)").matches && $(".bar nav [aria-current]");
  if (tab) requestAnimationFrame(() => {
    const tabs = tab.parentElement;
    tabs.scrollLeft += tab.getBoundingClientRect().left - tabs.getBoundingClientRect().left - (tabs.clientWidth - tab.clientWidth) / 2;
  });

  // Keys.
  let prefix = 0;
  const places = { o: "overview", m: "matrix", n: "nodes", u: "groups", g: "grids", v: "saved" };
  const addresses = { overview: "/", matrix: "/matrix/", nodes: "/nodes/", groups: "/groups/", grids: "/grids/", saved: "/saved/" };
  const typing = (target) => target.closest("input, textarea, select, [contenteditable], .ace_editor, dialog");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const fresh = Date.now() - prefix < 1500;
    prefix = 0;
    if (fresh && places[event.key]) location.assign(addresses[places[event.key]]);
    else if (event.key === "g") prefix = Date.now();
    else if (event.key === "?") help();
    else if (event.key === "/" && $("[data-search]")) {
      $("[data-search]").closest("details")?.setAttribute("open", "");
      $("[data-search]").focus();
    }
    else return;
    event.preventDefault();
  });
  const help = () => $("#help") && $("#help").showModal();

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) help();
    const copy = event.target.closest("[data-copy]");
    if (copy) copyText(document.getElementById(copy.dataset.copy), copy);
    for (const menu of $$(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = $(".menu[open]");
    if (event.key === "Escape" && menu) { menu.open = false; $("summary", menu).focus(); }
  });

  // What was done is told once: a region that was there before it spoke, until it is dismissed.
  const toasts = $("#toasts");
  if (toasts) {
    const told = [...toasts.children];
    toasts.replaceChildren();
    requestAnimationFrame(() => toasts.append(...told));
  }
  const dismiss = (toast) => { toast.remove(); $("#main").focus({ preventScroll: true }); };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-dismiss]")) dismiss(event.target.closest(".note")); });
  document.addEventListener("keydown", (event) => {
    const toast = event.key === "Escape" && event.target.closest("#toasts .note.success");
    if (toast) dismiss(toast);
  });

  // Over plain HTTP there is no navigator.clipboard; selecting and copying works everywhere.
  const copyText = (source, button) => {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.execCommand("copy");
    button.textContent = body.copied;
  };

  // Which rows are chosen, kept by name while the table is replaced under the reader.
  const chosen = new Set();
  const boxes = () => $$('[data-selection] input[name="node"]');
  const showChosen = () => {
    for (const box of boxes()) box.checked = chosen.has(box.value);
    const all = $("[data-all]");
    if (all) all.checked = boxes().length > 0 && boxes().every((box) => box.checked);
    const count = $("[data-chosen]");
    if (count) count.textContent = chosen.size ? ` (${chosen.size})` : "";
  };
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches('[data-selection] input[name="node"]')) box.checked ? chosen.add(box.value) : chosen.delete(box.value);
    else if (box.matches("[data-all]")) for (const each of boxes()) box.checked ? chosen.add(each.value) : chosen.delete(each.value);
    else return;
    showChosen();
  });

  // The count of rows is spoken once, outside the part that is brought up to date.
  const settle = () => {
    const names = new Set(boxes().map((box) => box.value));
    for (const name of chosen) if (!names.has(name)) chosen.delete(name);
    showChosen();
    const live = $("#live[data-count]"), count = $("#count");
    if (live && count && count.textContent !== live.dataset.count) count.textContent = live.dataset.count;
    tick();
  };
  document.addEventListener("htmx:afterSettle", settle);
  for (const box of boxes()) if (box.checked) chosen.add(box.value);
  settle();

  // Filters that are empty do not belong into the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-filters]")) return;
    for (const [name, value] of [...event.detail.formData.entries()]) if (!value) event.detail.formData.delete(name);
  });
})();
