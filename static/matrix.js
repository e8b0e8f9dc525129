// The matrix of many NodeUnits: on the page are the rows near those that are seen, above and below them as much room as the
// others take (docs/decisions/0021-rows-near-what-is-seen.md). Without this script there are pages.
"use strict";
(() => {
  const NEAR = 12;  // rows that are there beyond what is seen; with fewer, others are asked for
  const room = new CSSStyleSheet();
  document.adoptedStyleSheets.push(room);
  let view = null, rows = [], first = 0, total = 0, most = 0, step = 0, height = 0;
  let wanted = null, checks = false;  // the first row that was asked for; null: what the address says

  const take = () => {
    view = document.querySelector(".scroll[data-first]");
    rows = view ? [...view.querySelectorAll(".matrix > .listed > tr")] : [];
    if (!rows.length) return;
    [first, total, most, step] = ["first", "total", "most", "step"].map((name) => Number(view.dataset[name]));
    height = rows[0].parentNode.getBoundingClientRect().height / rows.length;
    room.replaceSync(`.matrix > .above > tr { height: ${first * height}px } .matrix > .below > tr { height: ${(total - first - rows.length) * height}px }`);
    rows.forEach((row, index) => {
      const place = String(first + index + 2);  // the head is the first
      if (row.getAttribute("aria-rowindex") !== place) row.setAttribute("aria-rowindex", place);
    });
  };

  const check = () => {
    checks = false;
    if (!rows.length || !view.isConnected) return;
    const top = Math.floor(view.scrollTop / height), seen = Math.ceil(view.clientHeight / height), last = first + rows.length;
    const lacks = (first > 0 && top < first + NEAR) || (last < total && top + seen > last - NEAR);
    if (!lacks) return;
    const middle = top + seen / 2;
    const next = Math.max(0, Math.min(Math.round((middle - most / 2) / step), Math.ceil((total - most) / step)) * step);
    if (next === wanted) return;
    wanted = next;
    htmx.trigger("#live", "refresh");
    const address = new URL(location.href), place = Math.floor(top / step) * step;
    address.searchParams.delete("page");
    if (place) address.searchParams.set("from", place); else address.searchParams.delete("from");
    // Browsers refuse many new addresses within seconds: the rows come all the same.
    try { history.replaceState(history.state, "", address); } catch { /* the next one is taken */ }
  };
  const soon = () => { if (!checks) { checks = true; requestAnimationFrame(check); } };
  document.addEventListener("scroll", ({ target }) => { if (target === view) soon(); }, true);
  addEventListener("resize", soon);

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt.id !== "live" || wanted === null) return;
    const address = new URL(detail.path, location.href);
    address.searchParams.set("from", wanted);
    detail.path = address.pathname + address.search;
  });

  // What is read stays where it is, whatever height the rows have that came or went above it.
  let anchor = null, before = 0, place = 0, focus = null;
  document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
    if (target.id !== "live" || !rows.length) return;
    place = Math.floor(view.scrollTop / height);
    anchor = rows[place - first] || null;
    before = anchor ? anchor.getBoundingClientRect().top : 0;
    focus = view.contains(document.activeElement) ? document.activeElement : null;
  });
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (target.id !== "live") return;
    const was = first;
    take();
    rove();
    if (!rows.length) return;
    if (first !== was && anchor && rows[place - first] === anchor) view.scrollTop += anchor.getBoundingClientRect().top - before;
    if (focus && !focus.isConnected) regain();
    soon();
  });
  // The cell that had the focus has gone: with its NodeUnit, then the one in its place has it; or with what is scrolled
  // past, then the keys go on scrolling, and Tab leads to what is seen.
  const regain = () => (line < first + rows.length && line >= first && stop ? stop : view).focus({ preventScroll: true });
  // Other filters: from the top.
  document.addEventListener("htmx:pushedIntoHistory", () => { wanted = null; if (view) view.scrollTop = 0; });

  // One cell is a tab stop: the one that was last in use. Arrow keys go from cell to cell.
  const links = (row) => [...row.cells].map((cell) => cell.querySelector("a"));
  let table = null, lines = [], stop = null, line = 0, column = 0;  // the stop, and where it was
  const nearest = (row, at) => links(row).map((link, place) => link && [Math.abs(place - at), link]).filter(Boolean)
    .sort(([one], [other]) => one - other)[0]?.[1];
  const lineOf = (row) => (row.parentNode.tagName === "THEAD" ? -1 : first + lines.indexOf(row) - 1);
  const rove = () => {
    table = document.querySelector("table.matrix");
    if (!table) return;
    lines = [...table.querySelectorAll(":scope > :is(thead, .listed) > tr")];
    const last = lines.length - 2, top = view && height ? Math.floor(view.scrollTop / height) - first : 0;
    let place = line < 0 ? -1 : line - first;
    if (place > last || place < -1) place = Math.max(0, Math.min(top, last));  // gone from the page: what is seen
    if (!stop || !table.contains(stop)) stop = (lines[place + 1] && nearest(lines[place + 1], column)) || lines.map((row) => nearest(row, 0)).find(Boolean) || null;
    for (const link of table.querySelectorAll("a")) {
      const index = link === stop ? "0" : "-1";
      if (link.getAttribute("tabindex") !== index) link.setAttribute("tabindex", index);
    }
    const frame = table.parentNode;
    if (stop && frame.tabIndex !== -1) frame.tabIndex = -1;  // what is in it scrolls it
  };
  const linkAt = (row, at) => row?.cells[at]?.querySelector("a");
  const along = (cell, way) => {
    for (let at = cell.cellIndex + way; cell.parentNode.cells[at]; at += way) if (linkAt(cell.parentNode, at)) return linkAt(cell.parentNode, at);
    return null;
  };
  const across = (cell, way) => {
    for (let at = lines.indexOf(cell.parentNode) + way; lines[at]; at += way) if (linkAt(lines[at], cell.cellIndex)) return linkAt(lines[at], cell.cellIndex);
    return null;
  };
  const leap = (cell, way) => {
    const many = Math.max(1, Math.floor(table.parentNode.clientHeight / cell.parentNode.offsetHeight) - 2);
    const to = Math.max(1, Math.min(lines.indexOf(cell.parentNode) + way * many, lines.length - 1));
    return nearest(lines[to], cell.cellIndex);
  };
  const MOVES = {
    ArrowLeft: (cell) => along(cell, -1),
    ArrowRight: (cell) => along(cell, 1),
    ArrowUp: (cell) => across(cell, -1),
    ArrowDown: (cell) => across(cell, 1),
    Home: (cell) => links(cell.parentNode).find(Boolean),
    End: (cell) => links(cell.parentNode).findLast(Boolean),
    PageUp: (cell) => leap(cell, -1),
    PageDown: (cell) => leap(cell, 1),
  };
  document.addEventListener("keydown", (event) => {
    const cell = table?.contains(event.target) && event.target.closest("td, th");
    if (!cell || !MOVES[event.key] || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const next = MOVES[event.key](cell);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    reveal(next);
  });
  document.addEventListener("focusin", ({ target }) => {
    const cell = table?.contains(target) && target.matches("a") && target.closest("td, th");
    if (!cell) return;
    if (stop !== target) stop?.setAttribute("tabindex", "-1");
    stop = target;
    stop.setAttribute("tabindex", "0");
    [line, column] = [lineOf(cell.parentNode), cell.cellIndex];
  });
  // Browsers leave alone what is in view in part; the rest may be under the names of rows or beyond the edge.
  const reveal = (link) => link.scrollIntoView({ block: "nearest", inline: "nearest" });
  document.addEventListener("keyup", ({ key, target }) => { if (key === "Tab" && target.closest(".matrix")) reveal(target); });
  // Without a target, a page of the history is restored.
  document.addEventListener("htmx:afterSettle", ({ detail: { target } }) => { if (!target || target.id === "live") rove(); });

  take();
  rove();
  if (rows.length && first) view.scrollTop = first * height;
  soon();
})();
