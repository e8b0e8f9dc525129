// What a link with data-drawer leads to, beside the page that it is on: its address is in the page's own, after #, so that it
// can be sent to somebody, and the browser's way back closes it. Without this script the link leads to the page.
"use strict";
(() => {
  // No other address is read: what is shown must be made by templates that escape what they are given.
  const PLACE = /^#drawer=(\/pods\/[a-z0-9.-]+\/[a-z0-9.-]+\/)$/;
  let asked = 0, opened = false;  // by a click on this page: then the way back is to where it was

  const drawer = () => document.getElementById("drawer");
  const place = () => PLACE.exec(location.hash)?.[1];
  const empty = (dialog) => dialog.replaceChildren(document.getElementById("drawer-waits").content.cloneNode(true));

  const read = async (dialog, address) => {
    const mine = ++asked;
    const go = () => location.replace(address);
    try {
      const answer = await fetch(`${address}?in=drawer`, { headers: { "HX-Request": "true" } });
      if (mine !== asked) return;
      if (answer.headers.get("HX-Refresh") || !answer.ok) return go();
      const text = await answer.text();
      if (mine !== asked) return;
      dialog.innerHTML = text;  // our own server's, its texts escaped
      htmx.process(dialog);
      dialog.querySelector("[autofocus]")?.focus();
    } catch { if (mine === asked) go(); }
  };

  const follow = () => {
    const dialog = drawer(), address = place();
    if (!dialog) return;
    if (!address) { if (dialog.open) dialog.close(); return; }
    empty(dialog);
    if (!dialog.open) dialog.showModal();
    read(dialog, address);
  };

  document.addEventListener("click", (event) => {
    const dialog = drawer(), link = event.target.closest("a[data-drawer]");
    if (dialog?.open && (event.target === dialog || event.target.closest("[data-close]"))) return dialog.close();
    if (!dialog || !link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    opened = true;
    location.hash = `drawer=${link.pathname}`;
  });
  // Escape closes it as well; then it asks nothing more.
  document.addEventListener("close", (event) => {
    if (event.target.id !== "drawer") return;
    asked += 1;
    event.target.replaceChildren();
    if (place() && opened) history.back();
    else if (place()) history.replaceState(history.state, "", location.pathname + location.search);
    opened = false;
  }, true);
  addEventListener("hashchange", follow);
  follow();
})();
