// The YAML editor over a plain textarea, which stays the form's field and keeps working where this does not load.
"use strict";
(() => {
  const field = document.querySelector("textarea[data-editor]");
  if (!field || !window.ace) return;
  ace.config.set("useStrictCSP", true);
  ace.config.set("basePath", document.querySelector('script[src*="ace/ace"]').src.replace(/\/[^/]*$/, ""));
  ace.config.set("loadWorkerFromBlob", false);
  ace.config.setDefaultValue("session", "useWorker", false); // the server checks; it knows more than syntax
  const box = document.createElement("div");
  box.className = "editor";
  field.before(box);
  field.classList.add("covered");
  const editor = ace.edit(box, {
    mode: "ace/mode/yaml", value: field.value, tabSize: 2, useSoftTabs: true, showPrintMargin: false,
    enableKeyboardAccessibility: true, wrap: true, scrollPastEnd: 0.2, fontFamily: "var(--mono)",
  });
  // No theme of its own: the sheet colours it, in both themes.
  editor.renderer.setTheme({ cssClass: "ace-sg", cssText: "", isDark: false });
  editor.textInput.getElement().setAttribute("aria-label", field.dataset.label);
  editor.session.on("change", () => {
    field.value = editor.getValue();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const mark = () => {
    const wrong = [...document.querySelectorAll("#verdict [data-line]")];
    editor.session.setAnnotations(wrong.map((each) => ({ row: each.dataset.line - 1, column: 0, type: "error", text: each.textContent.replace(/\s+/g, " ").trim() })));
  };
  document.addEventListener("htmx:afterSettle", mark);
  document.addEventListener("click", (event) => {
    const place = event.target.closest("#verdict [data-line]");
    if (place) { editor.gotoLine(Number(place.dataset.line)); editor.focus(); }
  });
  mark();
})();
