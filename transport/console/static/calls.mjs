// The calls of all apps, as the feed tells them. Nothing else changes them.

import { follow } from "./feed.mjs";
import { say } from "./story.mjs";

const LINGER = 4000; // ms that a call that is over stays in sight

// Calls keeps one entry for each call: {id, key, sub, call, last, at, within, over}.
// Listeners hear of changes at once: change(entry, kind), kind being "new",
// "changed" or "gone", reset(), status(), and again() when all was told anew
// after the feed had been lost.
class Calls {
  entries = new Map(); // by call id
  subs = new Map(); // by key: the ids of a subscriber's calls
  listeners = new Set();
  status = "connecting";
  why = "";
  skew = 0; // ms that offhook's clock is ahead of the browser's
  seen = 0; // changes since the page was opened
  whole = false; // all there is was told
  old = 0; // when the feed was heard last, on offhook's clock, while it is lost; else 0
  #heard = 0;
  #stop = null;
  #lingering = [];
  #round = null; // keys told since begin

  now() {
    return Date.now() + this.skew;
  }

  // shown is the time as far as the board knows: that of calls nobody confirms
  // does not go on.
  shown() {
    return this.old || this.now();
  }

  start() {
    if (this.#stop) return;
    this.#stop = follow("admin/calls/stream", {
      event: (name, data) => this.#event(name, data),
      state: (status, why) => {
        Object.assign(this, { status, why });
        if (status === "lost" && this.whole) this.old ||= this.#heard;
        this.#tell("status");
      },
    });
  }

  stop() {
    this.#stop?.();
    this.#stop = null;
    this.whole = false;
    this.old = this.#heard = this.seen = 0;
    this.#round = null;
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
    this.#hear(name, data);
    this.#heard = data.at;
  }

  #hear(name, data) {
    switch (name) {
      case "begin":
        this.#round = new Set();
        return;
      case "rows":
        for (const row of data.rows) this.#row(row, data.at);
        return;
      case "complete":
        for (const key of [...this.subs.keys()]) if (this.#round && !this.#round.has(key)) this.#row({ key, calls: [] }, data.at);
        this.#round = null;
        const lost = this.old;
        this.whole = true;
        this.old = 0;
        this.#tell("status");
        if (lost) this.#tell("again");
    }
  }

  #row(row, at) {
    this.#round?.add(row.key);
    const before = this.subs.get(row.key);
    const news = this.whole && !this.#round;
    const now = new Set();
    for (const call of row.calls) {
      now.add(call.call_id);
      const had = this.entries.get(call.call_id);
      const entry = had ?? { id: call.call_id, key: row.key, over: 0 };
      const story = say(had?.call, call, at, { news, since: this.old || this.#heard });
      if (story) Object.assign(entry, { last: story.text, at: story.at, within: Boolean(story.within) });
      entry.sub = row;
      entry.call = call;
      this.entries.set(entry.id, entry);
      this.#changed(entry, had ? "changed" : "new");
    }
    for (const id of before ?? []) if (!now.has(id)) this.#over(this.entries.get(id), at, news);
    if (now.size) this.subs.set(row.key, now);
    else this.subs.delete(row.key);
  }

  #changed(entry, kind) {
    this.seen++;
    this.#tell("change", entry, kind);
  }

  // #over keeps a call that is over for a moment, so that one sees it end. One
  // that ended while nobody listened is gone: when, nobody here knows.
  #over(entry, at, news) {
    if (!entry || entry.over) return;
    if (!news) {
      this.entries.delete(entry.id);
      return this.#changed(entry, "gone");
    }
    Object.assign(entry, { over: at, was: entry.call.state, last: "released", at, within: false, call: { ...entry.call, state: "released", phase: "", capabilities: [] } });
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
