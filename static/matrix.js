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
    if (!rows.length) return;
    if (first !== was && anchor && rows[place - first] === anchor) view.scrollTop += anchor.getBoundingClientRect().top - before;
    if (focus && !focus.isConnected) view.focus({ preventScroll: true });  // keys go on scrolling
    soon();
  });
  // Other filters: from the top.
  document.addEventListener("htmx:pushedIntoHistory", () => { wanted = null; if (view) view.scrollTop = 0; });

  // Arrow keys go from cell to cell.
  const linkIn = (row, column) => row.cells[column]?.querySelector("a");
  const beside = (cell, { key }) => {
    const row = cell.parentNode, way = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
    if (key === "ArrowLeft" || key === "ArrowRight") {
      for (let column = cell.cellIndex + way; row.cells[column]; column += way) if (linkIn(row, column)) return linkIn(row, column);
    } else if (key === "ArrowUp" || key === "ArrowDown") {
      const all = [...view.querySelectorAll(".matrix > :is(thead, .listed) > tr")];
      for (let at = all.indexOf(row) + way; all[at]; at += way) if (linkIn(all[at], cell.cellIndex)) return linkIn(all[at], cell.cellIndex);
    }
    return null;
  };
  document.addEventListener("keydown", (event) => {
    const cell = view?.contains(event.target) && event.target.closest("td, th");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const next = beside(cell, event);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    reveal(next);
  });
  // Browsers leave alone what is in view in part; the rest may be under the names of rows or beyond the edge.
  const reveal = (link) => link.scrollIntoView({ block: "nearest", inline: "nearest" });
  document.addEventListener("keyup", ({ key, target }) => { if (key === "Tab" && target.closest(".matrix")) reveal(target); });

  take();
  if (rows.length && first) view.scrollTop = first * height;
  soon();
})();
