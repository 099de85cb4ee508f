// Keys of the desk: j k x a e c n ? and Enter; never while somebody types.
"use strict";

const rows = () => [...document.querySelectorAll("#result_list tbody tr, [data-row]")];
let here = -1;

function go(step) {
  const list = rows();
  if (!list.length) return;
  list[here]?.classList.remove("desk-here");
  here = Math.min(Math.max(here + step, 0), list.length - 1);
  list[here].classList.add("desk-here");
  list[here].scrollIntoView({ block: "nearest" });
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
  if (!action || !rows()[here]) return undefined;
  const box = rows()[here].querySelector("input.action-select");
  if (box && !box.checked) box.click();
  action.value = "take_selected";
  return action.form.requestSubmit(action.form.querySelector('button[name="index"]'));
}

function select() {
  const row = rows()[here];
  row?.querySelector("input.action-select")?.click();
  row?.querySelector("input[name=reason]")?.focus();
}

const keys = {
  j: () => go(1),
  k: () => go(-1),
  x: select,
  a: take,
  e: () => focusOn("desk-decision", "id_decision", "desk-confirm"),
  c: () => focusOn("desk-confirm"),
  n: () => document.getElementById("desk-next")?.requestSubmit(),
  "?": () => document.getElementById("desk-help")?.showModal(),
  Enter: () => rows()[here]?.querySelector("th a, td a")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  if (event.key === "Enter" && event.target.closest("a, button")) return;
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
