// The order ticket: shows the fields that the chosen type uses, and locks on a stale quote.

const USES = {
  MARKET: [],
  LIMIT: ["limit_price"],
  STOP: ["stop_price"],
  STOP_LIMIT: ["limit_price", "stop_price"],
  TRAILING_STOP: ["trail_percent", "trail_amount"],
};

const form = document.querySelector("[data-ticket]");

function value(name) {
  return new FormData(form).get(name);
}

function showFields() {
  const used = new Set([...USES[value("order_type")], value("sized_by")]);
  for (const name of ["quantity", "notional", "limit_price", "stop_price", "trail_percent", "trail_amount"]) {
    const field = form.querySelector(`[data-field="${name}"]`);
    if (field) field.hidden = !used.has(name);
  }
}

// The other side of quantity ⇄ notional, as a hint; the server works out the order.
function showHint() {
  const hint = form.querySelector("[data-size-hint]");
  const quote = document.querySelector("[data-quote]");
  const price = Number(value("limit_price") || (value("side") === "BUY" ? quote?.dataset.ask : quote?.dataset.bid));
  const bySize = value("sized_by") === "quantity";
  const size = Number((value(bySize ? "quantity" : "notional") ?? "").replaceAll(",", ""));
  if (!(price > 0) || !(size > 0)) {
    hint.textContent = "";
    return;
  }
  const other = bySize ? size * price : size / price;
  const text = other.toLocaleString("en-US", { maximumFractionDigits: bySize ? 2 : 4, minimumFractionDigits: bySize ? 2 : 0 });
  hint.textContent = bySize ? `About ${text} ${form.dataset.currency}` : `About ${text} units`;
}

function lock() {
  const host = document.querySelector("[data-quote]");
  const stale = host?.dataset.quoteFresh !== "yes";
  const button = form.querySelector("[data-needs-quote]");
  const waits = value("order_type") !== "MARKET";
  button.disabled = stale && !waits;
  const note = form.querySelector("[data-stale-note]");
  if (note) note.hidden = !button.disabled;
}

if (form) {
  const refresh = () => {
    showFields();
    showHint();
    lock();
  };
  form.addEventListener("input", refresh);
  form.addEventListener("change", refresh);
  document.addEventListener("freshness", lock);
  document.addEventListener("quote", showHint);
  refresh();
}

// The review page holds only the sealed order: it locks on a stale quote where the order needs one.
document.querySelectorAll("[data-confirm-needs-quote]").forEach((button) => {
  const lockConfirm = () => {
    const stale = document.querySelector("[data-quote]")?.dataset.quoteFresh !== "yes";
    button.disabled = stale || button.hasAttribute("data-blocked");
  };
  document.addEventListener("freshness", lockConfirm);
  lockConfirm();
});
