// The heat map: one tab stop, arrow keys, and a card that says what a cell is about. Without this script every column is
// a link to its NodeUnit.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  let card = $("#heat-card");
  const known = new Map();  // cards by unit, until the map changes
  let map = null, rows = [], words = {}, columns = [];
  let at = null, row = 0, shown = "", filled = "";  // the address of the one tab stop, the row in it, the unit that is asked for and that the card is about
  let taken = null, versions = "";  // the map that was taken, and of what its lists consisted

  // The address of a column's NodeUnit; the link itself leads to the cell that was last pointed at.
  const siteOf = (link) => (link.dataset.site ||= link.getAttribute("href"));
  const unitOf = (link) => new URLSearchParams(siteOf(link).split("?")[1]).get("unit");
  const lettersOf = (link) => $("use", link).getAttribute("href").slice(3);

  // One column is a tab stop: the one that was, or the first.
  const take = () => {
    map = $(".heat");
    card = $("#heat-card");
    known.clear();
    const lists = map ? $$(".cells", map).map((list) => list.dataset.list) : [];
    const same = map !== null && map === taken && !lists.includes(undefined) && versions === lists.join(" ");
    [taken, versions] = [map, lists.join(" ")];
    if (!same) columns = map ? $$(".cells > a", map) : [];
    if (!map) return hide();
    rows = JSON.parse(map.dataset.rows);
    words = JSON.parse(map.dataset.words);
    if (!same) {
      const stop = (at && columns.find((link) => siteOf(link) === at)) || columns[0];
      for (const link of columns) {
        const index = link === stop ? 0 : -1;
        if (link.getAttribute("tabindex") !== String(index)) link.tabIndex = index;
      }
    }
    if (columns.includes(document.activeElement)) aim(document.activeElement, row);
    if (shown) fill(shown);
  };

  // A cell leads to what the grid has in the NodeUnit, the first row to the NodeUnit.
  const aim = (link, next) => {
    row = Math.max(0, Math.min(next, rows.length - 1));
    const [name, url, service] = rows[row], unit = unitOf(link), place = encodeURIComponent(unit);
    const letter = lettersOf(link)[row];
    link.setAttribute("href", !url || letter === "_" ? siteOf(link) : service ? `${url}?search=${place}` : `${url}units/${place}/`);
    link.setAttribute("aria-label", `${unit}, ${name}: ${words[letter] || "–"}`);
    for (const each of columns) if (each !== link && each.hasAttribute("data-row")) each.removeAttribute("data-row");
    link.dataset.row = row;
    mark();
  };

  const mark = () => {
    for (const each of $$("li", card)) each.classList.toggle("now", each.dataset.row === (rows[row] || [])[1]);
  };
  // Our own server's, its texts escaped. Of what the card says already, only what differs is put there, and said again.
  const put = (unit, text) => {
    if (filled === unit) htmx.swap(card, text, { swapStyle: "morph:innerHTML", swapDelay: 0, settleDelay: 0 }, { contextElement: card, eventInfo: { target: card } });
    else { card.innerHTML = text; filled = unit; }
  };
  const fill = async (unit) => {
    if (!known.has(unit)) {
      known.set(unit, fetch(map.dataset.card + encodeURIComponent(unit), { headers: { "HX-Request": "true" } })
        .then((answer) => (answer.ok ? answer.text() : "")).catch(() => ""));
    }
    const text = await known.get(unit);
    if (shown !== unit) return;
    if (!text) { known.delete(unit); return hide(); }
    put(unit, text);
    card.hidden = false;
    mark();
    place();
  };
  const place = () => {
    const link = columns.find((each) => unitOf(each) === shown);
    if (!link) return hide();
    const box = link.getBoundingClientRect(), wide = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(box.left, wide - card.offsetWidth - 8));
    card.style.left = `${left + scrollX}px`;
    card.style.top = `${box.bottom + scrollY + 6}px`;
  };
  const show = (link, next, spoken) => {
    if (!card) return;
    card.setAttribute("aria-live", spoken ? "polite" : "off");
    aim(link, next);
    if (shown === unitOf(link)) return;
    shown = unitOf(link);
    fill(shown);
  };
  const hide = () => {
    shown = "";
    if (card) card.hidden = true;
  };

  const rowAt = (link, event) => {
    const box = $("svg", link).getBoundingClientRect();
    return Math.floor((event.clientY - box.top) / (box.height / rows.length));
  };
  document.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const link = event.target.closest(".heat .cells > a");
    if (link) show(link, rowAt(link, event), false);
    else if (shown && !event.target.closest("#heat-card, .heat .cells") && !document.activeElement.closest(".heat")) hide();
  });
  // A first tap shows the card, a second one follows the link.
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".heat .cells > a");
    if (!link || !event.clientY) return;
    const first = shown !== unitOf(link), touch = event.pointerType === "touch";
    show(link, rowAt(link, event), false);
    if (first && touch) event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    const link = event.target.closest(".heat .cells > a");
    if (!link) { if (shown && !event.target.closest("#heat-card")) hide(); return; }
    for (const each of columns) if (each !== link && each.tabIndex === 0) each.tabIndex = -1;
    link.tabIndex = 0;
    at = siteOf(link);
    if (link.matches(":focus-visible")) show(link, row, true);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && shown) return hide();
    const link = document.activeElement.closest(".heat .cells > a");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const here = columns.indexOf(link);
    const line = columns.filter((each) => each.offsetTop === link.offsetTop && each.parentNode === link.parentNode).length;
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, PageDown: here + line, PageUp: here - line, Home: 0, End: columns.length - 1 }[event.key];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") show(link, row + (event.key === "ArrowDown" ? 1 : -1), true);
    else if (to !== undefined) { const next = columns[Math.max(0, Math.min(to, columns.length - 1))]; next.focus(); show(next, row, true); }
    else return;
    event.preventDefault();
  });
  // Without a target, a page of the history is restored.
  document.addEventListener("htmx:afterSettle", ({ detail: { target } }) => { if (!target || target.id === "live") take(); });
  take();
})();
