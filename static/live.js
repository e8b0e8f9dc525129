// One stream of events per browser, however many tabs: the tab that holds the lease listens and tells the others.
// A lease in localStorage and a BroadcastChannel, because plain HTTP in an intranet has no Web Locks.
"use strict";
(() => {
  // The number is that of what tabs tell each other: one that was opened before an upgrade of the portal listens for itself.
  const CHANNEL = "sgportal-2", LEASE = "sgportal-lease-2", SEEN = "sgportal-seen-2", LASTS = 10000;
  const SILENCE = 2500;  // the server sends a beat every two seconds
  const [way = {}] = performance.getEntriesByType("navigation");  // a browser that guards against fingerprints has none
  const PATIENCE = Math.min(Math.max(3 * (way.responseStart - way.requestStart || 0), 1000), 8000);  // more on a slow line
  const me = Math.random().toString(36).slice(2) + Date.now().toString(36);
  const channel = new BroadcastChannel(CHANNEL);
  const body = document.body.dataset;
  let read = Number(body.revision), source = null, heard = 0, state = "none", waiting = null, asking = false, lost = false;
  // A stream that says nothing for MUTE, three beats, is begun anew; less and less often, as one that was refused.
  const MUTE = 7000, RARELY = 60000;
  let streamed = Date.now(), begun = 0, mutes = 0;
  const due = new Set();

  const store = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode: each tab alone */ } };
  const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const lease = () => { try { return JSON.parse(recall(LEASE)) || {}; } catch { return {}; } };

  const show = (next) => {
    state = next;
    const badge = document.getElementById("live-badge");
    if (!badge || badge.dataset.state === next) return;
    badge.dataset.state = next;
    badge.lastElementChild.textContent = { live: body.liveLive, reconnecting: body.liveReconnecting, stale: body.liveStale }[next];
  };

  // Many events in a moment ask for one refresh of each fragment concerned, not before the last of them is SETTLE old: the
  // server makes a fragment once for all who look at it, and what it gives may be a quarter of a second old; nor later than
  // AT_LAST after the first of them. Where everything changes all the time, a fragment is asked for once in PACE; after
  // a quiet while, so many more times at once (BURST), so that one change is not held up by what followed from the last.
  // All browsers hear of a change at once, and ask by up to APART one after another.
  const SETTLE = 350, AT_LAST = 1000, PACE = 1200, BURST = 2, APART = 150;
  const apart = Math.random() * APART;
  let first = 0, changed = 0, paced = 0;
  const ready = () => Math.max(Math.min(changed + SETTLE, first + AT_LAST), paced - BURST * PACE) + apart;
  const delay = () => document.hidden ? 5000 : ready() - Date.now();
  const refresh = ({ kind, key }) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const wanted = part.dataset.live.split(" ");
      if (kind !== "*" && !wanted.includes(kind) && !wanted.includes(`${kind}:${key}`)) continue;
      due.add(part.id);
      changed = Date.now();
      first ||= changed;
    }
    if (due.size && !waiting) waiting = setTimeout(flush, delay());
  };
  const flush = () => {
    waiting = null;
    if (Date.now() < ready()) { waiting = setTimeout(flush, delay()); return; }
    const early = Date.now() < changed + SETTLE;  // what is given may be older than the last change: asked for once more
    first = early ? Date.now() : 0;
    paced = Math.max(paced, Date.now()) + PACE;
    for (const id of [...due]) {
      const part = document.getElementById(id);
      if (!early) due.delete(id);
      if (part) htmx.trigger(part, "refresh");
    }
    if (early) waiting ||= setTimeout(flush, delay());
    else if (due.size) later();
  };
  const later = () => { waiting ||= setTimeout(flush, 3000); };
  // What could not be changed under somebody's fingers (static/morph.js) is, when they have done.
  document.addEventListener("held", ({ target }) => { due.add(target.id); later(); });

  // A part of the page that is not answered says how old it is, above it; what is being asked may take TARDY milliseconds.
  const TARDY = 5000, asked = new Map(), shown = new Map();
  const doubt = (part) => {
    const note = document.getElementById("unanswered").content.firstElementChild.cloneNode(true);
    if (part.id === "pulse" || part.previousElementSibling?.matches("[data-unanswered]")) return;
    note.querySelector("time").dateTime = new Date(shown.get(part.id) || loaded).toISOString();
    part.before(note);
  };
  const trust = (part) => {
    if (part.previousElementSibling?.matches("[data-unanswered]")) part.previousElementSibling.remove();
  };
  const partOf = ({ elt, target }) => (elt.matches("[data-live]") ? elt : target);
  // What the browser had kept and shows without asking, on the way back, is as old as it is.
  const kept = way.type === "back_forward" && way.transferSize === 0;
  const loaded = kept ? Math.min(Date.now(), Date.parse(body.made)) : Date.now();
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const part = partOf(detail);
    if (part.id && !asked.has(part.id)) asked.set(part.id, setTimeout(() => doubt(document.getElementById(part.id) || part), TARDY));
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const { id } = partOf(detail), part = id && document.getElementById(id);
    clearTimeout(asked.get(id));
    asked.delete(id);
    if (part && detail.failed) doubt(part);
    if (!part || !detail.successful) return;
    shown.set(id, Date.now());
    trust(part);
  });
  for (const unheard of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(unheard, ({ detail }) => { const part = partOf(detail); if (part.id && part.isConnected) doubt(part); });

  // A fragment whose answer was lost on the way, or was an error of the server's, is asked for again.
  const again = ({ detail: { elt, xhr } }) => {
    if (!elt.id || !elt.matches("[data-live]") || (xhr.status > 0 && xhr.status < 500)) return;
    due.add(elt.id);
    later();
  };
  for (const lost of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(lost, again);

  // Only what the server itself sent counts as heard; that the stream broke does not.
  let unanswered = 0, next = 0;
  const hear = () => {
    heard = Date.now();
    unanswered = next = 0;
    if (!lost) return;
    lost = false;
    mutes = 0;
    guard();
    document.dispatchEvent(new Event("portal:found"));
    refresh({ kind: "*" });
  };
  const take = (message) => {
    if (message.state !== "reconnecting") {
      hear();
      streamed = Date.now();
      mutes = 0;
    }
    if (message.state) show(message.state);
    if (message.id) read = Number(message.id);
    if (message.kind) refresh(message);
  };
  // The server sends what happened in a quarter of a second at once: the others are told all of it by one message, and only
  // then does what was heard count as told. No timer, which a tab in the background has once a second.
  let untold = [];
  const soon = new MessageChannel();
  const tell = (message) => { take(message); if (untold.push(message) === 1) soon.port2.postMessage(null); };
  const pass = () => {
    if (!untold.length) return;
    const { id } = untold.findLast((message) => message.id) || {};
    channel.postMessage(untold);
    untold = [];
    if (id) store(SEEN, id);
  };
  soon.port1.onmessage = pass;
  channel.onmessage = ({ data }) => data.forEach(take);

  // From where this page knows everything, or where the tab that listened before stopped hearing.
  const listen = () => {
    const since = Math.min(read, Number(recall(SEEN) ?? read));
    begun = Date.now();
    source = new EventSource(body.events + (isFinite(since) ? `?lastEventId=${since}` : ""));
    const receive = (event) => {
      let data = {};
      try { data = JSON.parse(event.data); } catch { return; }
      tell({ state: "live", id: event.lastEventId, kind: event.type === "resync" ? "*" : data.kind, key: data.key });
    };
    source.onopen = () => tell({ state: "live" });
    source.onmessage = receive;
    source.addEventListener("beat", () => tell({ state: "live" }));
    source.addEventListener("resync", receive);
    source.onerror = () => {
      tell({ state: "reconnecting" });
      ask();
      if (source && source.readyState === EventSource.CLOSED) { drop(); mutes += 1; }
    };
  };
  const drop = () => { pass(); if (source) source.close(); source = null; };

  // A page that hears nothing asks; without an answer it says so, across the page, and stops writes. It asks less and less
  // often, and each page at times of its own: a server that starts again has hundreds of them to answer.
  const SOONEST = 500, LATEST = 8000;
  const unheard = () => {
    next = Date.now() + Math.min(SOONEST * 2 ** unanswered, LATEST) * (0.5 + Math.random());
    unanswered += 1;
  };
  const ask = async () => {
    if (asking || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(body.ping, { headers: { "HX-Request": "true" }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      // Who is logged out, or may not read any more, is shown that.
      if (answer.headers.get("HX-Refresh") || answer.status === 403) leave();
      else if (answer.ok) hear();
      else { lose(); unheard(); }
    } catch { lose(); unheard(); }
    asking = false;
  };
  const leave = () => { document.dispatchEvent(new Event("portal:leaving")); location.reload(); };
  const lose = () => {
    if (lost) return;
    lost = true;
    const bar = document.getElementById("connection");
    if (bar) bar.querySelector("time").dateTime = new Date(heard).toISOString();
    document.dispatchEvent(new Event("portal:lost"));
    guard();
  };
  const unsafe = () => lost || document.querySelector("#pulse.lost") !== null;
  const guard = () => {
    const bar = document.getElementById("connection"), stop = unsafe();
    if (bar) bar.hidden = !lost;
    for (const button of document.querySelectorAll("#main form[method=post] button")) {
      if (stop && !button.disabled) { button.disabled = true; button.dataset.paused = ""; }
      else if (!stop && "paused" in button.dataset) { button.disabled = false; delete button.dataset.paused; }
    }
    for (const link of document.querySelectorAll("#main .actions a.button:is(.main, .danger)")) {
      if (stop) link.setAttribute("aria-disabled", "true"); else link.removeAttribute("aria-disabled");
    }
  };
  document.addEventListener("submit", (event) => {
    if (event.target.method === "post" && event.target.closest("#main") && unsafe()) { event.preventDefault(); event.stopPropagation(); }
  }, true);
  document.addEventListener("htmx:afterSettle", guard);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - heard > SILENCE) ask(); });
  setInterval(() => { if (Date.now() - heard > SILENCE && Date.now() >= next) ask(); }, 250);

  const beat = () => {
    const { id, at } = lease();
    if (id === me || !at || Date.now() - at > LASTS) {
      store(LEASE, JSON.stringify({ id: me, at: Date.now() }));
      if (!source && lease().id === me && Date.now() - begun >= (mutes && Math.min(2500 * 2 ** mutes, RARELY))) listen();
    } else drop();
    // The server may answer while its stream is dead, after a sleep, or is held back by somebody between: then it is asked.
    const now = Date.now(), quiet = now - Math.max(streamed, begun);
    if (source && quiet > Math.min(MUTE * 2 ** mutes, RARELY)) {
      drop();
      mutes += 1;
      if (state === "live") tell({ state: "reconnecting" });
      listen();
    }
    show(now - streamed > (state === "none" ? MUTE : 3 * LASTS) ? "stale" : state);
  };
  heard = loaded;
  setInterval(beat, 2500);
  setInterval(() => { if (state !== "live" && !document.hidden) refresh({ kind: "*" }); }, 15000);
  document.addEventListener("htmx:afterSwap", () => { const now = state; state = "none"; if (now !== "none") show(now); });
  addEventListener("pagehide", () => { drop(); if (lease().id === me) store(LEASE, "{}"); });
  addEventListener("pageshow", (event) => { if (event.persisted) { show("reconnecting"); refresh({ kind: "*" }); } beat(); });
  beat();
  guard();
  if (kept || (!source && Number(recall(SEEN)) > read)) refresh({ kind: "*" });  // told to others as this page was on its way
})();
