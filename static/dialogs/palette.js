// Ctrl-K: search of everything over any page. Without this script the link leads to the page of the search.
"use strict";
(() => {
  let palette, field, list, asked = 0, waiting = null;

  // Looked up each time it opens: a page of the history that is restored has elements of its own.
  const find = () => {
    palette = document.getElementById("palette");
    field = palette?.querySelector("input");
    list = palette?.querySelector("[role=listbox]");
    return palette !== null;
  };

  const options = () => [...list.querySelectorAll("[role=option]")];
  const current = () => list.querySelector("[aria-selected=true]");
  const choose = (option) => {
    for (const each of options()) each.setAttribute("aria-selected", String(each === option));
    if (option) { field.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    else field.removeAttribute("aria-activedescendant");
  };
  const ask = async () => {
    const mine = ++asked;
    try {
      const answer = await fetch(`${palette.dataset.search}?q=${encodeURIComponent(field.value)}`, { headers: { "HX-Request": "true" } });
      if (answer.headers.get("HX-Refresh")) {
        document.dispatchEvent(new Event("portal:leaving"));
        return location.reload();
      }
      if (!answer.ok) throw new Error(answer.statusText);
      const text = await answer.text();
      if (mine !== asked) return;  // another letter was typed meanwhile
      list.innerHTML = text;  // our own server's, its texts escaped
      choose(options()[0]);
    } catch { if (mine === asked) list.textContent = document.body.dataset.noAnswer; }
  };
  const open = () => {
    if (!find() || palette.open) return;
    palette.showModal();
    field.select();
    ask();
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) { event.preventDefault(); open(); }
    else if (palette && event.target === palette) palette.close();  // beside it
  });
  document.addEventListener("input", (event) => {
    if (event.target !== field) return;
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target !== field || event.isComposing) return;  // Enter takes what an input method offers
    const all = options(), here = all.indexOf(current());
    if (event.key === "ArrowDown") choose(all[Math.min(here + 1, all.length - 1)]);
    else if (event.key === "ArrowUp") choose(all[Math.max(here - 1, 0)]);
    else if (event.key === "Enter") { if (current()) location.assign(current().href); }
    else return;
    event.preventDefault();
  });
})();
