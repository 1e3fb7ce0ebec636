// Tables, and lists that come page by page.

import { h, put } from "./dom.mjs";
import { ask } from "./api.mjs";

// table is columns of [title, cell(item), class]. show(items) fills it.
export function table(label, columns, empty = "Nothing yet.") {
  const body = h("tbody");
  const none = h("p", { class: "hint", hidden: true }, empty);
  const node = h("div", { class: "table" }, h("table", { "aria-label": label }, h("thead", {}, h("tr", {}, columns.map(([title, , kind]) => h("th", { scope: "col", class: kind }, title)))), body), none);
  const row = (item) => h("tr", {}, columns.map(([title, cell, kind]) => h("td", { class: kind, "data-title": title }, cell(item) ?? "")));
  return {
    node,
    show(items) {
      put(body, items.map(row));
      none.hidden = items.length > 0;
      node.firstChild.hidden = !items.length;
    },
    add: (items) => body.append(...items.map(row)),
    say(text) {
      none.textContent = text;
    },
  };
}

// pages fills a table from a list of the API, a page at a time.
export function pages(t, path, limit = 100) {
  let next = "";
  let round = 0;
  const more = h("button", { type: "button", class: "ghost", hidden: true, onclick: () => load(false) }, "More");
  async function load(first) {
    const mine = first ? ++round : round;
    const base = path();
    const at = `${base}${base.includes("?") ? "&" : "?"}limit=${limit}${first ? "" : `&after=${next}`}`;
    more.disabled = true;
    try {
      const got = await ask("GET", at);
      if (mine !== round) return;
      next = got.next;
      if (first) t.show(got.body);
      else t.add(got.body);
      more.hidden = !next;
    } catch (e) {
      if (mine !== round) return;
      t.say(e.message);
      t.show([]);
      more.hidden = true;
    } finally {
      more.disabled = false;
    }
  }
  return { more, load: () => load(true) };
}

// badge is a condition in a word, colored by how good it is.
export function badge(text, how) {
  return h("span", { class: "badge", "data-how": how }, text);
}
