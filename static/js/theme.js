// The look of the pages, kept in this browser: colour theme, colours of profit and loss.

const NAMES = { "": "System", light: "Light", dark: "Dark" };
const NEXT = { "": "light", light: "dark", dark: "" };

function current(name) {
  return document.documentElement.dataset[name] ?? "";
}

function choose(name, value) {
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
  try {
    if (value) localStorage.setItem(`stratford.${name}`, value);
    else localStorage.removeItem(`stratford.${name}`);
  } catch {
    // Storage is refused: the choice holds for this page only.
  }
  document.dispatchEvent(new CustomEvent("themechange"));
}

export function themeToggle(button) {
  const label = button.querySelector("[data-theme-name]");
  const show = () => {
    label.textContent = NAMES[current("theme")];
  };
  show();
  button.hidden = false;
  button.addEventListener("click", () => choose("theme", NEXT[current("theme")]));
  document.addEventListener("themechange", show);
}

export function preference(select) {
  const name = select.dataset.preference;
  select.value = current(name);
  select.addEventListener("change", () => choose(name, select.value));
  document.addEventListener("themechange", () => {
    select.value = current(name);
  });
}

// Charts draw on a canvas and need resolved colours: ask the style sheet through a probe.
export function tokenColour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export function onThemeChange(redraw) {
  document.addEventListener("themechange", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
