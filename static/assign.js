// Nodes put into NodeUnits on a board, by dragging or by selecting; what is sent is the text field, which works without it.
"use strict";
(() => {
  const board = document.querySelector("[data-board]");
  if (!board) return;
  const field = document.getElementById("lines"), said = board.querySelector("[data-said]");
  const chips = () => [...board.querySelectorAll("[data-node]")];
  const places = () => [...board.querySelectorAll("[data-unit]")];
  const unitOf = (chip) => chip.closest("[data-unit]").dataset.unit;
  const placeOf = (unit) => places().find((each) => each.dataset.unit === unit) || add(unit);

  const add = (unit) => {
    const place = places()[0].cloneNode(true);
    place.dataset.unit = unit;
    place.querySelector("[data-drop]").textContent = unit;
    place.querySelector(".drop").replaceChildren();
    board.querySelector(".board").append(place);
    return place;
  };
  const put = (moved, place) => {
    for (const chip of moved) {
      place.querySelector(".drop").append(chip);
      chip.setAttribute("aria-pressed", "false");
    }
    said.textContent = moved.length ? `${moved.map((each) => each.dataset.node).join(", ")} → ${place.querySelector("[data-drop]").textContent}` : "";
  };
  const pressed = () => chips().filter((each) => each.getAttribute("aria-pressed") === "true");

  // Lines of nodes that are not on the board stay as they were written.
  const parse = (line) => line.split("=", 2).map((part) => part.trim());
  const write = () => {
    const ours = new Set(chips().map((each) => each.dataset.node));
    const others = field.value.split("\n").filter((line) => line.trim() && !ours.has(parse(line)[0]));
    const lines = chips().filter(unitOf).map((each) => `${each.dataset.node}=${unitOf(each)}`);
    field.value = [...others, ...lines].join("\n");
  };
  const read = () => {
    const wanted = new Map(field.value.split("\n").map(parse));
    for (const chip of chips()) {
      const unit = wanted.get(chip.dataset.node) || "";
      if (unit !== unitOf(chip)) placeOf(unit).querySelector(".drop").append(chip);
    }
  };
  const drop = (moved, place) => { put(moved, place); write(); };

  board.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-node]"), target = event.target.closest("[data-drop]");
    if (chip) chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
    else if (target) drop(pressed(), target.closest("[data-unit]"));
    else if (event.target.closest("[data-add]")) enter();
  });
  const enter = () => {
    const input = board.querySelector("[data-new]"), unit = input.value.trim();
    if (unit) drop(pressed(), placeOf(unit));
    input.value = "";
  };
  board.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-new]")) return;
    event.preventDefault();  // it would send the form
    enter();
  });
  board.addEventListener("dragstart", (event) => {
    const chip = event.target.closest?.("[data-node]");
    if (!chip) return;
    chip.setAttribute("aria-pressed", "true");
    event.dataTransfer.setData("text/plain", chip.dataset.node);
  });
  board.addEventListener("dragover", (event) => { if (event.target.closest("[data-unit]") && pressed().length) event.preventDefault(); });
  board.addEventListener("drop", (event) => {
    const place = event.target.closest("[data-unit]");
    if (!place) return;
    event.preventDefault();
    drop(pressed(), place);
  });
  // Not at each key: half a name is no NodeUnit. Nor as the field is left: what is clicked would move from under the pointer.
  let later = 0;
  const now = () => { clearTimeout(later); later = 0; read(); };
  const soon = (wait) => { clearTimeout(later); later = setTimeout(now, wait); };
  field.addEventListener("input", () => soon(500));
  document.addEventListener("pointerdown", (event) => { if (later) event.target.closest("[data-board]") ? now() : soon(1500); });
  read();
})();
