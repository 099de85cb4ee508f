// The colour theme: system, light or dark, kept in this browser.

const KEY = "stratford.theme";
const NAMES = { system: "System", light: "Light", dark: "Dark" };
const NEXT = { system: "light", light: "dark", dark: "system" };

function current() {
  return document.documentElement.dataset.theme ?? "system";
}

function store(theme) {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is refused: the choice holds for this page only.
  }
}

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("themechange"));
}

export function themeToggle(button) {
  const label = button.querySelector("[data-theme-name]");
  label.textContent = NAMES[current()];
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = NEXT[current()];
    store(theme);
    apply(theme);
    label.textContent = NAMES[theme];
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
