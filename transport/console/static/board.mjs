// The board: every live call, by subscriber.

import { h, put, say, mark } from "./dom.mjs";
import { leaving } from "./api.mjs";
import { count, rate } from "./format.mjs";
import { calls } from "./calls.mjs";
import { Ordered } from "./order.mjs";
import { Virtual } from "./virtual.mjs";
import { Row, began } from "./row.mjs";
import { callPanel } from "./call.mjs";

const rank = { ringing: "0", active: "1", held: "2", released: "3" };
const name = (e) => `${(e.call.subscriber_name || e.key).toLowerCase()}\u0000${e.key}\u0000${stamp(e.call.created_at)}${e.id}`;
const stamp = (ms) => String(Math.floor(ms ?? 0)).padStart(14, "0");
const late = (ms) => stamp(99999999999999 - (ms ?? 0));

// What calls are put in order by; the shortest began last.
const orders = {
  subscriber: name,
  state: (e) => `${rank[e.call.state] ?? "4"}${name(e)}`,
  time: (e) => `${late(began(e.call))}${e.id}`,
  last: (e) => `${stamp(e.at)}${e.id}`,
};

// Columns are [order, title, class, what the two directions are called]; the
// one that is down comes first where it is what one looks for.
const columns = [
  ["subscriber", "Subscriber", "who", ["Subscriber, from A", "Subscriber, from Z"]],
  ["", "Far end", "far"],
  ["state", "State", "state", ["State, ringing first", "State, held first"]],
  ["time", "Duration", "time", ["Duration, shortest first", "Duration, longest first"], true],
  ["last", "Last event", "last", ["Last event, oldest first", "Last event, newest first"], true],
];
const sortable = columns.filter(([key]) => key);

// What one looked for is still there when one comes back to the page.
const kept = {};
const forget = () => Object.assign(kept, { order: "subscriber", down: false, states: new Set(), text: "", selected: "" });
forget();
leaving.add(forget);

export function board(go) {
  const list = new Ordered((e) => orders[kept.order](e));
  const numbers = { ringing: 0, active: 0, held: 0 };
  const counted = new Map(); // the state under which a call is counted

  const grid = h("div", { class: "grid", role: "grid", tabindex: "0", "aria-label": "Live calls", "aria-readonly": "true", "data-search-target": true });
  const head = h("div", { class: "row head", role: "row", "aria-rowindex": "1" });
  grid.append(head);
  const rows = new Virtual(grid, () => new Row(pick), () => list.items);
  const side = h("aside", { class: "side", "aria-label": "Selected call" });
  let panel = null;

  const empty = h("div", { class: "empty", hidden: true });
  const tiles = ["ringing", "active", "held"].map((state) => {
    const n = h("b", {}, "0");
    const node = h("button", { class: "tile", type: "button", "data-state": state, title: `Only ${state} calls`, "aria-pressed": String(kept.states.has(state)), onclick: () => toggle(state, node) }, n, " ", h("span", {}, state));
    return { state, n, node };
  });
  const all = h("b", {}, "0");
  const speed = h("b", {}, "0");
  const search = h("input", { type: "search", placeholder: "Name, number or id", "aria-label": "Search calls", "aria-keyshortcuts": "/", value: kept.text, oninput: () => { kept.text = search.value; refill(); } });

  const matches = (e) => {
    if (kept.states.size && !kept.states.has(e.over ? e.was : e.call.state)) return false;
    if (!kept.text) return true;
    const c = e.call;
    const of = `${c.subscriber_name} ${c.subscriber_id} ${c.subscriber_number} ${c.remote_name} ${c.remote_number} ${c.call_id} ${c.provider_call_id}`.toLowerCase();
    return kept.text.toLowerCase().split(/\s+/).every((w) => of.includes(w));
  };

  function refill() {
    list.fill([...calls.entries.values()].filter(matches), kept.down);
    rows.ask();
    numbersSoon();
  }

  function recount(entry, kind) {
    const was = counted.get(entry.id);
    if (was) numbers[was]--;
    const is = kind !== "gone" && !entry.over && entry.call.state in numbers ? entry.call.state : "";
    if (is) {
      numbers[is]++;
      counted.set(entry.id, is);
    } else counted.delete(entry.id);
  }

  let soon = 0;
  function numbersSoon() {
    soon ||= requestAnimationFrame(() => {
      soon = 0;
      for (const t of tiles) say(t.n, count(numbers[t.state]));
      say(all, count(counted.size));
      mark(grid, "aria-rowcount", list.items.length + 1);
      empty.hidden = list.items.length > 0;
      if (!empty.hidden) say(empty, emptiness());
      mark(grid, "aria-activedescendant", selected() >= 0 ? `row-${kept.selected}` : null);
      for (const r of rows.visible()) r.select(r.entry?.id === kept.selected);
    });
  }

  function emptiness() {
    if (!calls.whole) return calls.status === "lost" ? "The feed is lost; trying again." : "Reading the calls…";
    return kept.text || kept.states.size ? "No live call is like that." : "No live calls. Place one with the dial pad.";
  }

  function toggle(state, node) {
    if (!kept.states.delete(state)) kept.states.add(state);
    node.setAttribute("aria-pressed", String(kept.states.has(state)));
    refill();
  }

  const selected = () => {
    const e = calls.entries.get(kept.selected);
    return e ? list.indexOf(e) : -1;
  };

  function choose(index) {
    const entry = list.items[Math.max(0, Math.min(index, list.items.length - 1))];
    if (!entry) return;
    kept.selected = entry.id;
    rows.reveal(list.indexOf(entry));
    preview();
    numbersSoon();
  }

  // pick is a click: it shows the call beside the list where there is room, else
  // on a page of its own.
  function pick(entry, open) {
    kept.selected = entry.id;
    numbersSoon();
    if (open || getComputedStyle(side).display === "none") go(`#/calls/${entry.id}`);
    else preview();
  }

  function preview() {
    if (getComputedStyle(side).display === "none" || panel?.id === kept.selected) return;
    panel?.close();
    panel = kept.selected ? callPanel(kept.selected, go, { beside: true }) : null;
    put(side, panel ? panel.node : h("p", { class: "hint" }, "Choose a call to see its timeline, and to act on it."));
  }

  grid.addEventListener("keydown", (e) => {
    const at = selected();
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, Home: 0, End: list.items.length - 1, PageDown: at + rows.page, PageUp: at - rows.page }[e.key];
    if (to !== undefined) choose(to);
    else if (e.key === "Enter" && at >= 0) go(`#/calls/${kept.selected}`);
    else return;
    e.preventDefault();
  });

  // Heads put the calls in order, and turn the order round. Where there is no room
  // for them there is a list of the same.
  const cells = columns.map(([key, title, kind, , down = false]) => {
    const arrow = h("span", { "aria-hidden": "true" });
    const press = () => sort(key, kept.order === key ? !kept.down : down);
    return { key, arrow, node: h("div", { role: "columnheader", class: `cell ${kind}` }, key ? h("button", { type: "button", class: "sort", onclick: press }, title, arrow) : title) };
  });
  put(head, cells.map((c) => c.node));
  const sorts = h("select", { "aria-label": "Sort calls", onchange: () => sort(...sorts.value.split(" ").map((v, i) => (i ? v === "down" : v))) },
    sortable.flatMap(([key, , , both]) => both.map((text, i) => h("option", { value: `${key} ${i ? "down" : "up"}` }, text))));

  function sort(key, down) {
    Object.assign(kept, { order: key, down });
    heads();
    refill();
  }

  function heads() {
    for (const { key, arrow, node } of cells) {
      const is = kept.order !== key ? "none" : kept.down ? "descending" : "ascending";
      mark(node, "aria-sort", key ? is : null);
      say(arrow, { none: "", ascending: " ↑", descending: " ↓" }[is]);
    }
    sorts.value = `${kept.order} ${kept.down ? "down" : "up"}`;
  }

  let seen = calls.seen;
  let when = performance.now();
  const second = setInterval(() => {
    const now = performance.now();
    say(speed, rate(((calls.seen - seen) * 1000) / (now - when)));
    seen = calls.seen;
    when = now;
    for (const r of rows.visible()) r.tick();
    if (panel && !calls.entries.has(panel.id) && !kept.selected) preview();
  }, 1000);

  const off = calls.on({
    change(entry, kind) {
      recount(entry, kind);
      if (kind === "gone" || !matches(entry)) list.remove(entry);
      else list.put(entry);
      rows.ask();
      numbersSoon();
    },
    reset() {
      counted.clear();
      Object.assign(numbers, { ringing: 0, active: 0, held: 0 });
      refill();
    },
    status: numbersSoon,
  });

  heads();
  for (const e of calls.entries.values()) recount(e, "new");
  refill();
  const node = h(
    "div",
    { class: "board" },
    h("section", { class: "main-column" },
      h("header", { class: "bar" },
        h("h1", {}, "Calls"),
        h("div", { class: "tiles" }, h("div", { class: "tile still" }, all, h("span", {}, "live")), tiles.map((t) => t.node), h("div", { class: "tile still" }, speed, h("span", {}, "changes/s"))),
        h("label", { class: "search" }, search)),
      h("div", { class: "sheet" }, h("label", { class: "sorts" }, "Sort by ", sorts), grid, empty)),
    side,
  );
  requestAnimationFrame(preview);
  return {
    node,
    title: "Calls",
    ...(kept.selected && { focus: () => grid.focus({ preventScroll: true }) }),
    close() {
      off();
      clearInterval(second);
      cancelAnimationFrame(soon);
      rows.close();
      panel?.close();
    },
  };
}
