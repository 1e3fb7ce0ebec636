// The calls of all apps, as the feed tells them. Nothing else changes them.

import { follow } from "./feed.mjs";
import { say } from "./story.mjs";

const LINGER = 4000; // ms that a call that is over stays in sight

// Calls keeps one entry for each call: {id, key, sub, call, last, at, over}.
// Listeners hear of changes at once: change(entry, kind), kind being "new",
// "changed" or "gone", and reset().
class Calls {
  entries = new Map(); // by call id
  subs = new Map(); // by key: the ids of a subscriber's calls
  listeners = new Set();
  status = "connecting";
  why = "";
  skew = 0; // ms that offhook's clock is ahead of the browser's
  seen = 0; // changes since the page was opened
  whole = false; // all there is was told
  #stop = null;
  #lingering = [];
  #round = null; // keys told since begin

  now() {
    return Date.now() + this.skew;
  }

  start() {
    if (this.#stop) return;
    this.#stop = follow("admin/calls/stream", {
      event: (name, data) => this.#event(name, data),
      state: (status, why) => {
        Object.assign(this, { status, why });
        this.#tell("status");
      },
    });
  }

  stop() {
    this.#stop?.();
    this.#stop = null;
    this.whole = false;
    this.entries.clear();
    this.subs.clear();
    this.#lingering = [];
    this.#tell("reset");
  }

  on(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  #tell(what, ...rest) {
    for (const l of this.listeners) l[what]?.(...rest);
  }

  #event(name, data) {
    this.skew = data.at - Date.now();
    switch (name) {
      case "begin":
        this.#round = new Set();
        return;
      case "rows":
        for (const row of data.rows) this.#row(row, data.at);
        return;
      case "complete":
        for (const key of [...this.subs.keys()]) if (!this.#round?.has(key)) this.#row({ key, calls: [] }, data.at);
        this.#round = null;
        this.whole = true;
        this.#tell("status");
    }
  }

  #row(row, at) {
    this.#round?.add(row.key);
    const before = this.subs.get(row.key);
    const now = new Set();
    for (const call of row.calls) {
      now.add(call.call_id);
      const had = this.entries.get(call.call_id);
      const entry = had ?? { id: call.call_id, key: row.key, over: 0 };
      const story = say(had?.call, call, at, this.whole);
      if (story) Object.assign(entry, { last: story.text, at: story.at });
      entry.sub = row;
      entry.call = call;
      this.entries.set(entry.id, entry);
      this.#changed(entry, had ? "changed" : "new");
    }
    for (const id of before ?? []) if (!now.has(id)) this.#over(this.entries.get(id), at);
    if (now.size) this.subs.set(row.key, now);
    else this.subs.delete(row.key);
  }

  #changed(entry, kind) {
    this.seen++;
    this.#tell("change", entry, kind);
  }

  // #over keeps a call that is over for a moment, so that one sees it end.
  #over(entry, at) {
    if (!entry || entry.over) return;
    Object.assign(entry, { over: at, was: entry.call.state, last: "released", at, call: { ...entry.call, state: "released", phase: "", capabilities: [] } });
    this.#lingering.push(entry);
    this.#changed(entry, "changed");
  }

  // sweep takes away what was over long enough; once a second will do.
  sweep() {
    const before = this.now() - LINGER;
    let n = 0;
    while (n < this.#lingering.length && this.#lingering[n].over < before) n++;
    for (const entry of this.#lingering.splice(0, n)) {
      this.entries.delete(entry.id);
      this.#tell("change", entry, "gone");
    }
  }
}

export const calls = new Calls();
setInterval(() => calls.sweep(), 1000);
