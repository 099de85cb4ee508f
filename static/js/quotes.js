// Binds live quotes to the page.
//
// An element with data-quote="AAPL" holds [data-quote-bid], [data-quote-ask], [data-quote-last],
// [data-quote-age], [data-quote-state].  data-quote-at is the quote's time, data-stale-after-ms the
// age from which it counts as stale.

const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 8 });
const pageNow = document.querySelector("[data-server-now]")?.dataset.serverNow;
const clockOffsetMs = pageNow ? Date.parse(pageNow) - Date.now() : 0;

export function serverNow() {
  return Date.now() + clockOffsetMs;
}

export function ageText(ms) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

function write(host, name, text) {
  host.querySelectorAll(`[data-quote-${name}]`).forEach((element) => {
    if (element.textContent !== text) element.textContent = text;
  });
}

function refreshAge(host) {
  const at = Date.parse(host.dataset.quoteAt ?? "");
  const state = host.querySelector("[data-quote-state]");
  if (Number.isNaN(at)) {
    host.dataset.quoteFresh = "no";
    if (state) state.hidden = false;
    return;
  }
  const ageMs = serverNow() - at;
  const fresh = ageMs <= Number(host.dataset.staleAfterMs ?? 15_000);
  write(host, "age", ageText(ageMs));
  const changed = host.dataset.quoteFresh !== (fresh ? "yes" : "no");
  host.dataset.quoteFresh = fresh ? "yes" : "no";
  if (state) state.hidden = fresh;
  if (changed) host.dispatchEvent(new CustomEvent("freshness", { bubbles: true, detail: { fresh } }));
}

export function bindQuotes(stream) {
  const hosts = new Map();
  document.querySelectorAll("[data-quote]").forEach((host) => {
    const symbol = host.dataset.quote;
    hosts.set(symbol, [...(hosts.get(symbol) ?? []), host]);
  });
  if (!hosts.size) return;

  stream.addEventListener("quotes", ({ detail }) => {
    for (const quote of detail.data) {
      for (const host of hosts.get(quote.s) ?? []) {
        write(host, "bid", format.format(quote.b));
        write(host, "ask", format.format(quote.a));
        write(host, "last", format.format(quote.l));
        host.dataset.bid = quote.b;
        host.dataset.ask = quote.a;
        host.dataset.quoteAt = quote.t;
        refreshAge(host);
        host.dispatchEvent(new CustomEvent("quote", { bubbles: true, detail: quote }));
      }
    }
  });
  const all = [...hosts.values()].flat();
  all.forEach(refreshAge);
  setInterval(() => all.forEach(refreshAge), 1_000);
  stream.subscribe("quotes", [...hosts.keys()]);
}
