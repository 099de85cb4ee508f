// A classic script, so that the stored theme applies before the first paint.
(() => {
  let stored = null;
  try {
    stored = localStorage.getItem("stratford.theme");
  } catch {
    return; // storage is refused: the system's theme applies
  }
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
})();
