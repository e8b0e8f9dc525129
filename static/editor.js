// The YAML editor over a plain textarea, which stays the form's field and keeps working where this does not load; and the
// form beside it: the server writes what was typed on one side, and the other follows.
"use strict";
(() => {
  const field = document.querySelector("textarea[data-editor]");
  if (!field) return;
  const LIGHTS = 1600, calm = matchMedia("(prefers-reduced-motion: reduce)");
  let editor = null, quiet = false;

  const cover = () => {
    ace.config.set("useStrictCSP", true);
    ace.config.set("basePath", document.querySelector('script[src*="ace/ace"]').src.replace(/\/[^/]*$/, ""));
    ace.config.set("loadWorkerFromBlob", false);
    ace.config.setDefaultValue("session", "useWorker", false); // the server checks; it knows more than syntax
    const box = document.createElement("div");
    box.className = "editor";
    field.before(box);
    field.classList.add("covered");
    editor = ace.edit(box, {
      mode: "ace/mode/yaml", value: field.value, tabSize: 2, useSoftTabs: true, showPrintMargin: false, newLineMode: "unix",
      enableKeyboardAccessibility: true, wrap: true, scrollPastEnd: 0.2, fontFamily: "var(--mono)",
    });
    // No theme of its own: the sheet colours it, in both themes.
    editor.renderer.setTheme({ cssClass: "ace-sg", cssText: "", isDark: false });
    editor.textInput.getElement().setAttribute("aria-label", field.dataset.label);
    editor.session.on("change", () => {
      if (quiet) return;
      field.value = editor.getValue();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  };
  const mark = () => {
    const wrong = [...document.querySelectorAll("#verdict [data-line]")];
    editor?.session.setAnnotations(wrong.map((each) => ({ row: each.dataset.line - 1, column: 0, type: "error", text: each.textContent.replace(/\s+/g, " ").trim() })));
  };
  const go = (line) => {
    if (editor) { editor.gotoLine(line); editor.focus(); return; }
    const at = field.value.split("\n").slice(0, line - 1).join("\n").length;
    field.focus();
    field.setSelectionRange(at, at);
  };

  // Only what differs is replaced, so that the place, the selection and the history of changes stay.
  const put = (text) => {
    const now = field.value, most = Math.min(now.length, text.length);
    if (now === text) return;
    let from = 0, rest = 0;
    while (from < most && now[from] === text[from]) from++;
    while (rest < most - from && now[now.length - 1 - rest] === text[text.length - 1 - rest]) rest++;
    const part = text.slice(from, text.length - rest);
    if (!editor) { field.setRangeText(part, from, now.length - rest, "preserve"); return; }
    const { Range } = ace.require("ace/range"), lines = editor.session.doc;
    const start = lines.indexToPosition(from), end = lines.indexToPosition(now.length - rest);
    quiet = true;
    const last = editor.session.replace(Range.fromPoints(start, end), part);
    quiet = false;
    field.value = text;
    if (calm.matches) return;
    const light = editor.session.addMarker(new Range(start.row, 0, last.row, 1), "lit", "fullLine");
    setTimeout(() => editor.session.removeMarker(light), LIGHTS);
  };

  // What is typed while an answer is on its way is in the next question: an answer never replaces it.
  const draft = document.getElementById("draft"), base = draft?.elements.base, form = document.getElementById("sections");
  const typed = () => JSON.stringify([...form.querySelectorAll("input, textarea")].map((each) => each.value));
  let asked = null;
  const follow = (answer) => {
    const text = answer.querySelector("[name=document]").value, next = answer.querySelector("[data-sections]");
    if (text !== asked.text && field.value !== asked.text) return;
    if (next && typed() !== asked.form) return;
    put(text);
    base.value = answer.querySelector("[name=base]").value;
    const at = document.activeElement, open = document.querySelector("#unsaid details")?.open;
    document.getElementById("unsaid").replaceChildren(...answer.querySelector("[data-unsaid]").childNodes);
    if (open) document.querySelector("#unsaid details")?.setAttribute("open", "");
    if (!next) return;
    form.replaceChildren(...next.childNodes);
    if (at.id && at !== document.activeElement) document.getElementById(at.id)?.focus({ preventScroll: true });
  };
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (base && detail.elt.id === "verdict") asked = { text: field.value, form: typed() };
  });
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const answer = base && detail.elt.id === "verdict" && detail.elt.querySelector("template");
    if (answer && asked) follow(answer.content);
    mark();
  });
  // What was typed before anything listened here is asked about as soon as something does.
  addEventListener("load", () => {
    const early = [...(form?.querySelectorAll("input, textarea") ?? [])].some((each) => each.value !== each.defaultValue);
    if (early) draft.dispatchEvent(new Event("input", { bubbles: true }));
  });
  document.addEventListener("click", (event) => {
    const place = event.target.closest("#verdict [data-line]");
    if (place) go(Number(place.dataset.line));
  });
  if (window.ace) cover();
  mark();
})();
