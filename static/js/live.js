// Starts the feed on pages that show live data, and says plainly how it is doing.

import { bindQuotes } from "./quotes.js";
import { Stream } from "./stream.js";

const NAMES = {
  connecting: "Connecting",
  live: "Live",
  offline: "Offline, trying again",
  stale: "Feed is stale",
  "signed-out": "Signed out",
};
const LOOKS = { live: "badge-good", connecting: "badge-info", offline: "badge-bad", stale: "badge-warn", "signed-out": "badge-bad" };

const stream = new Stream();

function show(state) {
  document.querySelectorAll("[data-feed-state]").forEach((badge) => {
    badge.textContent = NAMES[state];
    badge.className = `badge ${LOOKS[state]}`;
  });
}

stream.addEventListener("state", ({ detail }) => show(detail.state));
stream.addEventListener("status", ({ detail }) => show(detail.state === "stale" ? "stale" : "live"));

bindQuotes(stream);

// Private channels only say that something changed; the page then asks the server for the facts.
document.querySelectorAll("[data-refresh-on]").forEach((element) => {
  for (const channel of element.dataset.refreshOn.split(" ")) {
    stream.addEventListener(channel, ({ detail }) => {
      if (!detail.snapshot) globalThis.htmx?.trigger(element, "refresh");
    });
    stream.subscribe(channel);
  }
});

stream.connect();
