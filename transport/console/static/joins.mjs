// The other calls of a subscriber, to be ticked: those that a call is joined with.

import { h, say } from "./dom.mjs";

// joins is the list. show(entries, text) brings it up to date: what was ticked
// stays so, and keeps the focus, as long as it is offered. changed() hears of
// each tick.
export function joins(label, changed) {
  const boxes = new Map(); // by call id
  const none = h("p", { class: "hint" }, "no other call");
  const node = h("div", { class: "joins", role: "group", "aria-label": label, hidden: true }, none);

  function show(entries, text) {
    for (const [id, b] of boxes) if (!entries.some((e) => e.id === id)) { b.node.remove(); boxes.delete(id); }
    for (const e of entries) {
      let b = boxes.get(e.id);
      if (!b) {
        b = { tick: h("input", { type: "checkbox", value: e.id, onchange: changed }), text: h("span") };
        b.node = h("label", {}, b.tick, b.text);
        boxes.set(e.id, b);
        node.append(b.node);
      }
      say(b.text, text(e));
    }
    none.hidden = boxes.size > 0;
  }

  return {
    node,
    show,
    ticked: () => [...boxes].filter(([, b]) => b.tick.checked).map(([id]) => id),
    // begin forgets what was ticked. Where there is one call, it is that one.
    begin() {
      for (const b of boxes.values()) b.tick.checked = boxes.size === 1;
    },
  };
}
