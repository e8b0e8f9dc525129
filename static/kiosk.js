// A wall screen: its clock, pages that turn by themselves, and keys. A page is left only for one that answered: a server
// that is away leaves the last page on the wall, which says how old it is.
"use strict";
(() => {
  const wall = document.getElementById("wall");
  if (!wall) return;
  const PATIENCE = 15000, OVERLAP = 60;  // milliseconds for a page to answer; pixels that are seen twice when it scrolls
  const pages = JSON.parse(wall.dataset.pages), here = Number(wall.dataset.here), turn = Number(wall.dataset.turn) * 1000;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let paused = false, turning = false, due = null;

  const clock = () => {
    const now = new Date(), time = wall.querySelector("[data-clock]"), lang = document.documentElement.lang;
    const text = now.toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit", hour12: false });
    time.dateTime = now.toISOString();
    if (time.textContent !== text) time.textContent = text;
  };
  setInterval(clock, 1000);
  clock();

  // Whether the address can be shown: "gone" may not be read or is not there, "away" says nothing about the next one.
  const look = async (address) => {
    try {
      const answer = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE) });
      return answer.ok ? "there" : answer.status < 500 && answer.status !== 429 ? "gone" : "away";
    } catch { return "away"; }
  };
  const later = () => {
    clearTimeout(due);
    if (turn && !paused) due = setTimeout(() => onward(1), turn);
  };
  const go = async (step) => {
    for (let next = here + step; next !== here + step * pages.length; next += step) {
      const address = pages[((next % pages.length) + pages.length) % pages.length], found = await look(address);
      if (found === "there") return location.replace(address);  // a night of turning leaves no history
      if (found === "away") return;
    }
  };
  // What does not fit the screen is shown screen by screen before the page is turned.
  const onward = async (step, byHand = false) => {
    if (turning) return;
    const rest = document.documentElement.scrollHeight - innerHeight - scrollY;
    if (!byHand && rest > OVERLAP) scrollBy({ top: innerHeight - OVERLAP, behavior: calm.matches ? "auto" : "smooth" });
    else {
      turning = wall.toggleAttribute("data-turning", true);
      await go(step);
      turning = wall.toggleAttribute("data-turning", false);
    }
    later();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, select, textarea, .heat, .matrix") && event.key !== "Escape") return;
    if (event.key === "Escape") location.assign(wall.querySelector("[data-leave]").href);
    else if (event.key === "ArrowRight") onward(1, true);
    else if (event.key === "ArrowLeft") onward(-1, true);
    else if (event.key === "p") {
      paused = !paused;
      wall.querySelector("[data-paused]").hidden = !paused;
      later();
    } else return;
    event.preventDefault();
  });
  later();
  // Only over TLS may a page ask the screen to stay on.
  if (navigator.wakeLock) {
    const stayOn = () => document.hidden || navigator.wakeLock.request("screen").catch((error) => console.info(error.message));
    document.addEventListener("visibilitychange", stayOn);
    stayOn();
  }
})();
