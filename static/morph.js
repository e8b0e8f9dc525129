// A live part is brought up to date by changing what differs and nothing else, so that focus, selection, scroll, open
// details and what somebody typed stay. Why not a library: docs/decisions/0019-morphing.md.
"use strict";
(() => {
  const KEPT = new Set(["open", "tabindex", "data-site", "data-lit", "aria-rowindex"]), PATCH = ["data-from", "data-gone"];  // a reader's or a script's, not the server's
  const MOST_SHOWN = 64;  // versions of lists that the server is told; of others it sends all
  const MOST_FLASHES = 40;  // more at once is not news but noise
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let fresh = [], changed = new Set(), held = false;
  let filled = false;  // a part that is read once the page is there, for the first time: nothing in it changed

  // What a node is about, where that can be told: then it is found again wherever it stands now.
  const keyOf = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    if (node.id) return `#${node.id}`;
    if (node.dataset.key) return node.dataset.key;
    const name = node.localName;
    if (name === "a") return node.dataset.site || node.getAttribute("href");
    if (node.matches("button, [type=checkbox], [type=radio]")) return `${node.name}=${node.getAttribute("value")}`;
    if (name === "input" || name === "select") return node.name;
    if (name !== "tr" && name !== "li") return "";
    const link = node.querySelector("a[href]"), head = name === "tr" && !link && node.querySelector("th");
    return link ? link.dataset.site || link.getAttribute("href") : head ? head.textContent.trim() : "";
  };

  // What somebody has marked to copy, and the field that somebody is in, wait for a later time. Looked up once an update: to
  // ask a selection has the browser lay out what was changed so far, each time.
  let marked = null, field = null;
  const look = () => {
    const marks = getSelection(), at = document.activeElement;
    marked = marks.rangeCount && !marks.getRangeAt(0).collapsed ? marks.getRangeAt(0) : null;
    field = at.matches("input:not([type=checkbox], [type=radio]), select, textarea") ? at : null;
  };
  const isHeld = (node) => ((field && node.contains(field)) || (marked && marked.intersectsNode(node))) ? (held = true) : false;

  const attributes = (old, next) => {
    let hooks = false;
    for (const { name, value } of [...next.attributes]) {
      if (old.getAttribute(name) === value || name === "open" || PATCH.includes(name) || (KEPT.has(name) && old.hasAttribute(name))) continue;
      old.setAttribute(name, value);
      hooks ||= name.startsWith("hx-");
      if (name === "class" || (name === "href" && old.localName === "use")) changed.add(old);
    }
    for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
    if (hooks) fresh.push(old);
  };

  const morph = (old, next) => {
    if (old.isEqualNode(next)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data === next.data) return;
      if (old.data.trim() !== next.data.trim()) {
        if (isHeld(old)) return;
        changed.add(old.parentElement);
      }
      old.data = next.data;
      return;
    }
    if (old.hasAttribute("data-keep")) return;
    if (old === document.activeElement && old.matches("input, select, textarea") && isHeld(old)) return;
    const since = next.dataset.from, known = since === undefined || old.dataset.list === since;
    attributes(old, next);
    if (old.matches("time[data-age]") && next.matches("time[data-age]")) return;  // ticks by itself
    if (since === undefined) children(old, next);
    else if (known) blocks(old, next);
    else held = true;  // it was sent for what is not shown any more: asked for again, as a whole
  };

  // A list of which only what changed was sent (sgportal/dashboard/page/parts): places are those before anything is done.
  const blocks = (list, sent) => {
    const all = [...list.children];
    let last = null;
    for (const node of [...sent.children]) {
      const { old, after } = node.dataset, same = old === undefined ? node : all[old];
      delete node.dataset.old;
      delete node.dataset.after;
      if (after !== undefined) {
        const before = after === "first" ? null : after === "previous" ? last : all[after];
        put(list, same, before ? before.nextSibling : list.firstChild);
      }
      if (same === node) { fresh.push(node); changed.add(node); } else morph(same, node);
      last = same;
    }
    for (const place of sent.dataset.gone.split(" ").filter(Boolean)) if (!isHeld(all[place])) all[place].remove();
  };

  const put = (parent, node, before) => {
    const at = document.activeElement, within = node.isConnected && node.contains(at);
    if (within && parent.moveBefore) return parent.moveBefore(node, before);
    parent.insertBefore(node, before);
    if (within && document.activeElement !== at) at.focus({ preventScroll: true });
  };

  const children = (old, next) => {
    const known = new Map(), wanted = new Map(), count = (key) => wanted.set(key, (wanted.get(key) || 0) + 1);
    const named = (node) => { const key = keyOf(node); return key && `${node.nodeName} ${key}`; };
    for (const node of next.childNodes) { const key = named(node); if (key) count(key); }
    for (const node of [...old.childNodes]) {
      const key = named(node);
      if (!key) continue;
      if (wanted.has(key)) known.set(key, [...(known.get(key) || []), node]);
      else if (!isHeld(node)) node.remove();
    }
    // Of nodes that are about nothing in particular, the next one of its kind.
    const nameless = (from, node) => {
      for (let each = from; each; each = each.nextSibling) {
        if (each.nodeName === node.nodeName && !named(each)) return each;
        if (node.nodeType !== Node.ELEMENT_NODE) return null;
      }
      return null;
    };
    let at = old.firstChild;
    const skip = () => { while (at && at.nodeType === Node.ELEMENT_NODE && named(at) && !wanted.has(named(at))) at = at.nextSibling; };
    for (const node of [...next.childNodes]) {
      skip();
      const key = named(node), same = key ? known.get(key)?.shift() : nameless(at, node);
      if (!same) {
        put(old, node, at);
        if (node.nodeType === Node.ELEMENT_NODE) { fresh.push(node); changed.add(node); }
        continue;
      }
      if (same === at) at = at.nextSibling;
      else put(old, same, at);
      morph(same, node);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      if (gone.nodeType !== Node.ELEMENT_NODE || !isHeld(gone)) gone.remove();
    }
  };

  // The cell or line that changed lights up for a while, all of an update at once. No animation: one of a colour has the page
  // painted anew for every frame, and a page of a thousand drawings takes milliseconds for that.
  let update = 0;
  const LIGHTS = 1600, lit = new WeakMap();  // by place, the update that lit it last
  const flash = () => {
    const places = new Set();
    for (const node of changed) {
      const place = node.closest("td, th, dd, li, tr, .cells > a, p, .note") || node;
      if (place.isConnected && !place.closest("time, [data-keep], .strip")) places.add(place);
    }
    if (filled || !places.size || calm.matches || places.size > MOST_FLASHES) return;
    const now = ++update;
    for (const place of places) { lit.set(place, now); place.dataset.lit = ""; }
    setTimeout(() => { for (const place of places) if (lit.get(place) === now) delete place.dataset.lit; }, LIGHTS);
  };

  // The server is told which versions of lists are shown, and sends what changed in them since.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.elt.matches("[data-live]")) return;
    const versions = [...detail.elt.querySelectorAll("[data-list]")].map((list) => list.dataset.list);
    if (versions.length) detail.headers["SG-Shown"] = versions.slice(0, MOST_SHOWN).join(" ");
  });

  const last = new Map();  // what each part was made of: the same again is no work
  document.addEventListener("htmx:historyRestore", () => last.clear());
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const part = detail.target, answer = detail.serverResponse;
    if (!detail.shouldSwap || !part.matches?.("[data-live][id]")) return;
    if (last.get(part.id) === answer) { detail.shouldSwap = false; return; }
    filled = !last.has(part.id) && part.matches("[hx-trigger*=load]");
    last.set(part.id, answer);
    detail.swapOverride = part.matches("[hx-swap=innerHTML]") ? "morph:innerHTML" : "morph";
  });

  htmx.defineExtension("morph", {
    isInlineSwap: (style) => style === "morph",
    handleSwap: (style, target, fragment) => {
      if (!style.startsWith("morph")) return false;
      [fresh, changed, held] = [[], new Set(), false];
      look();
      const next = fragment.firstElementChild;
      if (style === "morph:innerHTML") children(target, fragment);
      else if (next && target.nodeName === next.nodeName && target.id === next.id) morph(target, next);
      else { const all = [...fragment.children]; last.delete(target.id); target.replaceWith(...all); return all; }
      if (target.querySelector("[data-from]")) held = true;  // put as it came, while only what changed came
      flash();
      if (held) {
        last.delete(target.id);
        for (const list of document.querySelectorAll("[data-list]")) delete list.dataset.list;  // not all of it is shown
        target.dispatchEvent(new CustomEvent("held", { bubbles: true }));
      }
      return fresh;
    },
  });
})();
