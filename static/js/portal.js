// What every page has: theme, menu, one submission per form.

import { preference, themeToggle } from "./theme.js";

document.querySelectorAll("[data-theme-toggle]").forEach(themeToggle);
document.querySelectorAll("[data-preference]").forEach(preference);

const menuButton = document.querySelector("[data-menu-button]");
const menu = document.querySelector("[data-menu]");
if (menuButton && menu) {
  document.documentElement.classList.add("js-menu");
  menuButton.addEventListener("click", () => {
    const open = menu.toggleAttribute("data-open");
    menuButton.setAttribute("aria-expanded", String(open));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.hasAttribute("data-open")) return;
    menu.removeAttribute("data-open");
    menuButton.setAttribute("aria-expanded", "false");
    menuButton.focus();
  });
}

// A courtesy only: the server's idempotency keys are what makes a double click harmless.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented || form.hasAttribute("data-stays")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-busy", "true"));
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
});
