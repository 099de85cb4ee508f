// The live feed: one WebSocket a page, speaking the protocol of /ws/v1/stream.
//
// A gap in a channel's numbers or a new epoch means that something was missed: the channel is
// subscribed again and answers with a snapshot.

const PATH = "/ws/v1/stream";
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const CLOSED_UNAUTHENTICATED = 4401;
const CLOSED_TOO_MANY = 4406;

export class Stream extends EventTarget {
  #socket = null;
  #channels = new Map(); // channel -> {symbols: Set, epoch, seq}
  #asked = new Map(); // message id -> channel
  #nextId = 1;
  #failures = 0;
  #heartbeatMs = 5_000;
  #watchdog = null;
  #stopped = false;

  constructor(url = PATH) {
    super();
    this.url = new URL(url, location.href);
    this.url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    addEventListener("online", () => this.#reconnectNow());
    addEventListener("pagehide", () => this.stop());
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      this.#stopped = false;
      this.connect();
    });
  }

  connect() {
    this.#state("connecting");
    this.#socket = new WebSocket(this.url);
    this.#socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
    this.#socket.addEventListener("close", (event) => this.#closed(event));
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#watchdog);
    this.#socket?.close(1000);
  }

  subscribe(channel, symbols = []) {
    const known = this.#channels.get(channel) ?? { symbols: new Set(), epoch: null, seq: null };
    symbols.forEach((symbol) => known.symbols.add(symbol));
    this.#channels.set(channel, known);
    if (this.#failures === 0 && this.#socket?.readyState === WebSocket.OPEN) this.#ask(channel);
  }

  #ask(channel) {
    const state = this.#channels.get(channel);
    state.epoch = null;
    state.seq = null;
    const id = this.#nextId++;
    this.#asked.set(id, channel);
    const message = { op: "subscribe", id, channel };
    if (state.symbols.size) {
      message.symbols = [...state.symbols];
      message.conflate_ms = 250;
    }
    this.#socket.send(JSON.stringify(message));
  }

  #receive(message) {
    this.#watch();
    switch (message.type) {
      case "welcome":
        this.#heartbeatMs = message.hb_ms ?? this.#heartbeatMs;
        this.#failures = 0;
        this.#asked.clear();
        this.#watch();
        this.#state("live");
        for (const channel of this.#channels.keys()) this.#ask(channel);
        break;
      case "snapshot":
      case "update":
        this.#data(message);
        break;
      case "status":
        this.#emit("status", { source: message.src, state: message.state });
        break;
      case "error":
        this.#error(message);
        break;
    }
  }

  #data(message) {
    const state = this.#channels.get(message.ch);
    if (!state) return;
    const missed =
      message.type === "update" &&
      state.seq !== null &&
      (message.epoch !== state.epoch || message.seq !== state.seq + 1);
    if (missed) {
      this.#ask(message.ch);
      return;
    }
    if (message.epoch !== undefined) state.epoch = message.epoch;
    if (message.seq !== undefined) state.seq = message.seq;
    this.#emit(message.ch, { data: message.data, snapshot: message.type === "snapshot" });
  }

  #error(message) {
    const channel = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (channel && message.retry_ms && this.#channels.has(channel)) {
      setTimeout(() => {
        if (this.#socket?.readyState === WebSocket.OPEN) this.#ask(channel);
      }, message.retry_ms);
    }
    this.#emit("refused", { slug: message.slug, channel });
  }

  #closed(event) {
    clearTimeout(this.#watchdog);
    if (this.#stopped) return;
    if (event.code === CLOSED_UNAUTHENTICATED) {
      this.#state("signed-out");
      return;
    }
    this.#failures += 1;
    this.#state("offline");
    const steps = event.code === CLOSED_TOO_MANY ? this.#failures + 4 : this.#failures;
    const ceiling = Math.min(FIRST_PAUSE_MS * 2 ** steps, LONGEST_PAUSE_MS);
    // Full jitter: after a restart of the server the pages do not come back all at once.
    this.retry = setTimeout(() => this.connect(), FIRST_PAUSE_MS + Math.random() * ceiling);
  }

  #reconnectNow() {
    if (this.#stopped || this.#socket?.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.retry);
    this.connect();
  }

  // A connection that is silent for longer than its heartbeat is dead, whatever the socket says.
  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#socket.close(4000), this.#heartbeatMs * 2.5);
  }

  #state(state) {
    this.#emit("state", { state });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
