// One call on the board.

import { h, mark, say } from "./dom.mjs";
import { length, party, span, words } from "./format.mjs";
import { calls } from "./calls.mjs";

// chip shows a state, in color, shape and words.
export function chip(state) {
  return h("span", { class: "chip", "data-state": state }, state);
}

export const began = (call) => call.answered_at ?? call.created_at;

// Row is made once and shows many calls, one after another.
export class Row {
  constructor(open) {
    const cell = (name, ...inner) => h("div", { role: "gridcell", class: `cell ${name}` }, ...inner);
    this.name = h("span", { class: "name" });
    this.number = h("span", { class: "sub mono" });
    this.arrow = h("span", { class: "arrow", "aria-hidden": "true" });
    this.remote = h("span", { class: "name" });
    this.remoteNumber = h("span", { class: "sub mono" });
    this.state = chip("");
    this.phase = h("span", { class: "phase" });
    this.time = h("span", { class: "mono" });
    this.last = h("span");
    this.ago = h("span", { class: "sub mono" });
    this.node = h(
      "div",
      { role: "row", class: "row", onclick: () => open(this.entry, false), ondblclick: () => open(this.entry, true) },
      cell("who", this.name, this.number),
      cell("far", this.arrow, h("span", { class: "pair" }, this.remote, this.remoteNumber)),
      cell("state", this.state, this.phase),
      cell("time", this.time),
      cell("last", this.last, this.ago),
    );
  }

  show(entry) {
    const { call, sub } = entry;
    this.entry = entry;
    const id = `row-${call.call_id}`;
    if (this.node.id !== id) this.node.id = id;
    say(this.name, call.subscriber_name || call.subscriber_id);
    say(this.number, call.subscriber_number);
    const out = call.direction === "outgoing";
    say(this.arrow, out ? "→" : "←");
    mark(this.arrow, "title", out ? "outgoing" : "incoming");
    say(this.remote, party(call));
    say(this.remoteNumber, call.remote_name ? call.remote_number : "");
    say(this.state, call.state);
    mark(this.state, "data-state", call.state);
    say(this.phase, call.remote_held ? "held by far end" : call.phase === "connected" ? "" : words(call.phase));
    say(this.last, entry.last);
    mark(this.node, "data-over", entry.over > 0);
    mark(this.node, "data-apps", sub.apps?.length ?? 0);
    this.tick();
  }

  // tick brings up to date what time alone changes.
  tick() {
    const { call, over, at, within } = this.entry;
    const now = calls.shown();
    say(this.time, length((over || now) - began(call)));
    const ago = span(Math.max(1, Math.floor((now - at) / 1000)) * 1000);
    say(this.ago, within ? `in the last ${ago}` : now - at < 1000 ? "now" : `${ago} ago`);
  }

  select(on) {
    mark(this.node, "aria-selected", on ? "true" : "false");
  }
}
