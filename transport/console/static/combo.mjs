// A field in which one types to find one of many, and chooses it from what was
// found, with the keys or the pointer.

import { h, mark, put } from "./dom.mjs";

// combo is the field of an id. find(text) gives {items, more}: the first that are
// like that, and whether there are others; told(item) is an item in one line, and
// name(item) its id. changed() hears when another is chosen, or none.
export function combo(id, { find, told, name, changed, empty }) {
  const list = h("ul", { id: `${id}-list`, class: "options", role: "listbox", "aria-label": "Found" });
  const hint = h("p", { class: "hint", role: "status" });
  const drop = h("div", { class: "drop", hidden: true }, list, hint);
  const field = h("input", {
    id, type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off", spellcheck: "false", placeholder: "Name, number or id",
    oninput: () => { is(null); ask(150); }, onclick: () => drop.hidden && ask(0, ""), onfocus: () => field.select(), onblur: () => leave(),
    onkeydown: keys,
  });
  let chosen = null;
  let last = null; // chosen before one began to type
  let items = [];
  let at = -1;
  let timer = 0;
  let round = 0;

  function is(item) {
    if (item) last = item;
    if (chosen === item) return;
    chosen = item;
    changed();
  }

  function set(item) {
    last = item;
    field.value = item ? told(item) : "";
    is(item);
  }

  function ask(after, text = field.value.trim()) {
    const mine = ++round;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      let got = { items: [], more: false };
      let wrong = "";
      try {
        got = await find(text);
      } catch (e) {
        wrong = e.message;
      }
      if (mine === round && document.activeElement === field) open(got, wrong);
    }, after);
  }

  function open({ items: found, more }, wrong) {
    items = found;
    put(list, items.map((item, i) => h("li", { id: `${id}-${i}`, role: "option", "data-value": name(item), "aria-selected": "false", onpointerdown: (e) => e.preventDefault(), onclick: () => pick(i) }, told(item))));
    list.hidden = !items.length;
    hint.textContent = wrong || (more ? "There are more: type on." : items.length ? "" : empty());
    hint.hidden = !hint.textContent;
    drop.hidden = false;
    mark(field, "aria-expanded", "true");
    go(items.length === 1 && field.value ? 0 : -1);
  }

  function close() {
    round++;
    clearTimeout(timer);
    drop.hidden = true;
    mark(field, "aria-expanded", "false");
    mark(field, "aria-activedescendant", null);
  }

  function go(i) {
    at = i;
    [...list.children].forEach((n, j) => mark(n, "aria-selected", String(i === j)));
    mark(field, "aria-activedescendant", i >= 0 ? `${id}-${i}` : null);
    list.children[i]?.scrollIntoView({ block: "nearest" });
  }

  function pick(i) {
    close();
    set(items[i]);
  }

  // leave brings back who was chosen when nobody else was.
  function leave() {
    close();
    if (!chosen) set(last);
  }

  function keys(e) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step && drop.hidden) ask(0, chosen ? "" : undefined);
    else if (step && items.length) go((at + step + items.length + (at < 0 && step < 0 ? 1 : 0)) % items.length);
    else if (e.key === "Enter" && !drop.hidden && at >= 0) pick(at);
    else if (e.key === "Escape" && (!drop.hidden || !chosen)) {
      leave();
      field.select();
    } else if (!step) return;
    e.preventDefault();
  }

  return { node: h("div", { class: "combo" }, field, drop), field, set, chosen: () => chosen };
}
