// Tables, and lists that come page by page.

import { h, put } from "./dom.mjs";
import { ask } from "./api.mjs";

// table is columns of [title, cell(item), class]. show(items) fills it: a row of
// an item that is as it was stays, and keeps the focus; again(column) draws the
// cells of one column anew.
export function table(label, columns, empty = "Nothing yet.") {
  const body = h("tbody");
  const none = h("p", { class: "hint" }, "Reading…");
  const head = columns.map(([title, , kind]) => h("th", { scope: "col", class: kind }, title || h("span", { class: "unseen" }, "Actions")));
  const all = h("table", { "aria-label": label, hidden: true }, h("thead", {}, h("tr", {}, head)), body);
  const node = h("div", { class: "table" }, all, none);
  let rows = []; // {item, as, node}, as they are shown
  const fill = (td, cell, item) => put(td, [cell(item) ?? ""]);
  const row = (item, as) => ({ item, as, node: h("tr", {}, columns.map(([title, cell, kind]) => fill(h("td", { class: kind, "data-title": title }), cell, item))) });

  function show(items) {
    const had = new Map(rows.map((r) => [r.as, r]));
    const at = focused(body);
    rows = items.map((item) => {
      const as = JSON.stringify(item);
      const kept = had.get(as);
      had.delete(as);
      return kept ?? row(item, as);
    });
    // What is in its place is not touched: the focus would be lost.
    for (const r of had.values()) r.node.remove();
    rows.forEach((r, i) => { if (body.children[i] !== r.node) body.insertBefore(r.node, body.children[i] ?? null); });
    at();
    none.hidden = items.length > 0;
    none.textContent = empty;
    all.hidden = !items.length;
  }
  return {
    node,
    show,
    add: (items) => show([...rows.map((r) => r.item), ...items]),
    length: () => rows.length,
    again(title, is = () => true) {
      const i = columns.findIndex((c) => c[0] === title);
      for (const r of rows) {
        if (!is(r.item)) continue;
        const at = focused(r.node.children[i]);
        fill(r.node.children[i], columns[i][1], r.item);
        at();
      }
    },
  };
}

// focused remembers which control within a node has the focus, by its name; what
// it returns gives the focus to the one of that name, if it was lost meanwhile.
export function focused(node) {
  const was = node.contains(document.activeElement) ? document.activeElement : null;
  const named = (n) => `${n.tagName} ${n.getAttribute("aria-label") ?? n.textContent}`;
  const name = was && named(was);
  return () => {
    if (was && document.activeElement !== was) [...node.querySelectorAll("a, button")].find((n) => named(n) === name)?.focus();
  };
}

const MOST = 1000; // items that one answer has

// pages fills a table from a list of the API, a page at a time. load begins
// anew; again reads as much as there is, quietly. Both throw what ask does.
export function pages(t, path, limit = 100) {
  let next = "";
  let round = 0;
  const more = h("button", { type: "button", class: "ghost", hidden: true, onclick: () => further() }, "More");
  const page = (n, after) => ask("GET", `${path()}${path().includes("?") ? "&" : "?"}limit=${n}${after ? `&after=${after}` : ""}`);

  async function read(wanted) {
    const mine = ++round;
    const items = [];
    let after = "";
    do {
      const got = await page(Math.min(MOST, wanted - items.length), after);
      if (mine !== round) return;
      items.push(...got.body);
      after = got.next;
    } while (after && (!items.length || (items.length < wanted && wanted > limit))); // a page of a search may be empty
    next = after;
    t.show(items);
    more.hidden = !next;
  }
  async function further() {
    const mine = ++round;
    more.disabled = true;
    try {
      const got = await page(limit, next);
      if (mine !== round) return;
      next = got.next;
      t.add(got.body);
      more.hidden = !next;
      more.textContent = "More";
    } catch (e) {
      if (mine === round) more.textContent = `More (${e.message})`;
    } finally {
      more.disabled = false;
    }
  }
  return { more, load: () => read(limit), again: () => read(Math.max(limit, t.length())) };
}

// badge is a condition in a word, colored by how good it is.
export function badge(text, how) {
  return h("span", { class: "badge", "data-how": how }, text);
}
