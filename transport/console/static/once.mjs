// What is shown once: keys and secrets, which offhook does not tell again.

import { h, put } from "./dom.mjs";

// once is a box that is not there until show([[what, text], …]).
export function once() {
  const node = h("div", { class: "once", hidden: true, role: "group", "aria-label": "Shown once" });
  const close = () => {
    node.hidden = true;
    put(node);
  };
  function show(all, ...more) {
    const kept = all.filter(([, text]) => text);
    if (!kept.length) return;
    put(node, h("p", {}, h("b", {}, "Shown this once."), " offhook does not tell it again."), kept.map(([what, text]) => one(what, text)), h("div", { class: "group" }, more, h("button", { type: "button", class: "small", onclick: close }, "Done")));
    node.hidden = false;
    node.scrollIntoView({ block: "nearest" });
  }
  return { node, show };
}

function one(what, text) {
  const value = h("code", { class: "mono", tabindex: "0" }, text);
  const copy = h("button", { type: "button", class: "ghost small", "aria-label": `Copy ${what.toLowerCase()}`, onclick: async () => {
    const taken = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    if (!taken) getSelection().selectAllChildren(value); // a page that may not copy leaves it to the reader
    copy.textContent = taken ? "Copied" : "Selected";
  } }, "Copy");
  return h("div", { class: "secret" }, h("span", { class: "sub" }, what), value, copy);
}
