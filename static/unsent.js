// A form is sent once, and what was typed is not lost where it could not be taken: the session had ended, the form was
// stale, the server broke, or something before it answered in its place. It is kept in this tab alone, without passwords,
// until the form is open again.
"use strict";
(() => {
  const KEY = "sgportal-unsent", LASTS = 3600000, SLOW = 4000, ONCE = 30000;  // milliseconds; after ONCE a form may be sent again
  const body = document.body;
  const address = () => location.pathname + location.search;
  const who = () => document.querySelector("#menu > summary")?.textContent.trim() || "";
  const recall = () => { try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; } };
  const keep = (sent) => { try { sessionStorage.setItem(KEY, JSON.stringify(sent)); } catch { /* too much, or private mode */ } };
  const forget = () => { try { sessionStorage.removeItem(KEY); } catch { /* private mode */ } };

  const OURS = ["csrfmiddlewaretoken", "step", "next"];
  const SECRET = "[type=password], [autocomplete=one-time-code], [type=file], [data-secret]";
  const fields = (form) => [...form.elements].filter((each) => each.name && each.matches("input, select, textarea") && !each.matches(SECRET) && !OURS.includes(each.name));
  const read = (each) => (each.matches("[type=checkbox], [type=radio]") ? [each.name, each.value, each.checked] : [each.name, each.value]);

  const isOurs = (form) => form.method === "post" && form.closest("#main") && !form.hasAttribute("hx-post");
  const about = (form) => ({ at: address(), who: who(), when: Date.now(), fields: fields(form).map(read) });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !isOurs(form)) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "true";
    form.setAttribute("aria-busy", "true");
    say(body.dataset.sending);
    setTimeout(() => { if (form.dataset.sent) say(body.dataset.sendingSlow); }, SLOW);
    setTimeout(() => release(form), ONCE);
    if (!("failed" in body.dataset)) keep(about(form));
  });
  // A page that must be read anew while somebody types: the session has ended.
  let touched = null;
  document.addEventListener("input", ({ target }) => { if (target.form && isOurs(target.form)) touched = target.form; });
  const leave = () => { if (touched?.isConnected && !touched.dataset.sent && !("failed" in body.dataset)) keep({ ...about(touched), failed: true }); };
  document.addEventListener("portal:leaving", leave);
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => { if (detail.xhr.getResponseHeader("HX-Refresh")) leave(); });
  const say = (text) => { const place = document.getElementById("sending"); if (place) place.textContent = text; };
  const release = (form) => {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
    say("");
  };
  addEventListener("pageshow", ({ persisted }) => { if (persisted) for (const form of document.forms) release(form); });

  const put = (form, sent) => {
    const kept = new Map();
    for (const [name, value, checked] of sent.fields) kept.set(checked === undefined ? name : `${name}=${value}`, checked ?? value);
    for (const each of fields(form)) {
      const box = each.matches("[type=checkbox], [type=radio]"), key = box ? `${each.name}=${each.value}` : each.name;
      if (!kept.has(key)) continue;
      if (box) each.checked = kept.get(key); else each.value = kept.get(key);
    }
    more(form, sent);
  };
  // Fields of parts that the form was given later, as of a further container: the server's check writes them into the
  // document, and answers with the form over that; it does so where the document is not the text that the form is of.
  const more = (form, sent) => {
    const place = form.querySelector("#sections"), there = new Set(fields(form).map((each) => each.name));
    const missing = sent.fields.filter(([name]) => name.startsWith("f-") && !there.has(name));
    if (!place || !missing.length) return;
    for (const [name, value] of missing) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      place.append(field);
    }
    form.elements.base.value += "\n";
  };
  const shared = (form, sent) => {
    const names = new Set(sent.fields.map(([name]) => name));
    return fields(form).filter((each) => names.has(each.name) && each.type !== "hidden").length;
  };

  const sent = recall();
  if (!sent) return;
  if (Date.now() - sent.when > LASTS) return forget();
  if ("failed" in body.dataset) {
    if (document.getElementById("id_username") && !new URLSearchParams(location.search).get("next")) return forget();  // logged out
    keep({ ...sent, failed: true });
    const link = document.querySelector("[data-again]");
    if (!link || !sent.fields.length) return;
    link.querySelector("a").href = sent.at;
    link.hidden = false;
    return;
  }
  // What we answer is the page for a form, or a redirect; any other page says that what was sent was never answered.
  if (!sent.failed && ("answer" in body.dataset || performance.getEntriesByType("navigation")[0]?.redirectCount)) return forget();
  if (!sent.failed) keep(Object.assign(sent, { failed: true, unsure: true }));
  if (sent.who !== who()) return forget();  // somebody else has logged in
  if (sent.at !== address()) return;
  forget();
  const [form] = [...document.querySelectorAll("#main form[method=post]")].sort((one, two) => shared(two, sent) - shared(one, sent));
  if (!form || !shared(form, sent)) return;
  put(form, sent);
  const note = document.getElementById(sent.unsure ? "unsure" : "unsent");
  if (note) { note.querySelector("time").dateTime = new Date(sent.when).toISOString(); note.hidden = false; document.dispatchEvent(new Event("portal:aged")); }
  addEventListener("load", () => form.dispatchEvent(new Event("input", { bubbles: true })));
})();
