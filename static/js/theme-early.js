// A classic script, so that the stored look applies before the first paint.
(() => {
  const allowed = { theme: ["light", "dark"], pnl: ["green-red"] };
  for (const [name, values] of Object.entries(allowed)) {
    try {
      const stored = localStorage.getItem(`stratford.${name}`);
      if (values.includes(stored)) document.documentElement.dataset[name] = stored;
    } catch {
      return; // storage is refused: the defaults apply
    }
  }
})();
