// Keys of the desk: j k x a e c n ? and Enter; never while somebody types.
"use strict";

const rows = () => [...document.querySelectorAll("#result_list tbody tr, [data-row]")];
let here = -1;

function go(step) {
  const list = rows();
  if (!list.length) return;
  list[here]?.classList.remove("desk-here");
  here = Math.min(Math.max(here + step, 0), list.length - 1);
  const row = list[here];
  row.classList.add("desk-here");
  row.scrollIntoView({ block: "nearest" });
  // The focus goes along, so that Tab goes on from here and a screen reader says where that is.
  (row.matches("[tabindex]") ? row : row.querySelector("th a, td a"))?.focus();
}

function focusOn(...ids) {
  const target = ids.map((id) => document.getElementById(id)).find(Boolean);
  target?.scrollIntoView({ block: "center" });
  target?.focus();
}

function take() {
  const button = document.getElementById("desk-take");
  if (button) return button.click();
  const action = document.querySelector('select[name="action"]');
  if (!action?.querySelector('option[value="take_selected"]') || !rows()[here]) return undefined;
  const box = rows()[here].querySelector("input.action-select");
  if (box && !box.checked) box.click();
  action.value = "take_selected";
  return action.form.requestSubmit(action.form.querySelector('button[name="index"]'));
}

function select() {
  const row = rows()[here];
  row?.querySelector("input.action-select")?.click();
  row?.querySelector("select[name=decision]")?.focus();
}

const keys = {
  j: () => go(1),
  k: () => go(-1),
  x: select,
  a: take,
  e: () => focusOn("desk-decision", "id_decision", "desk-confirm"),
  c: () => focusOn("desk-confirm", "desk-note", "id_note", "desk-reject-note"),
  n: () => document.getElementById("desk-next")?.requestSubmit(),
  "?": () => document.getElementById("desk-help")?.showModal(),
  Enter: () => rows()[here]?.querySelector("th a, td a")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

// An open page prolongs its lock; whoever loses it is told, and what they send is refused.
const EVERY_MS = 60_000;
const bar = document.querySelector("[data-lock]");

async function prolong() {
  const body = new FormData(bar.querySelector("form"));
  try {
    const answer = await fetch(bar.dataset.lock, { method: "POST", body });
    if (answer.status !== 200 && answer.status !== 409) return;
    const { holder, until } = await answer.json();
    document.getElementById("desk-until").textContent = until;
    document.getElementById("desk-lost").textContent =
      answer.status === 409 ? `${holder} has this open until ${until} UTC; you may read.` : "";
  } catch {
    // No network now: the next minute tries again, and the lock ends by itself.
  }
}

if (bar) {
  setInterval(prolong, EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) prolong();
  });
}
