// Where an app's webhooks go: set, replaced, removed.

import { h } from "./dom.mjs";
import { seg } from "./api.mjs";
import { act, button, enable } from "./acts.mjs";
import { once } from "./once.mjs";

const kinds = ["calls", "subscriber", "operations"];

// hookForm calls done after each change. show(webhooks) tells it what there is.
export function hookForm(app, done) {
  let have = new Map();
  const secret = once();
  const kind = h("select", { id: "hook-kind", "aria-label": "Which webhook", onchange: () => chosen() }, kinds.map((k) => h("option", { value: k }, `${k} webhook`)));
  const url = h("input", { id: "hook-url", type: "url", class: "mono", "aria-label": "Webhook URL", placeholder: "https://example.com/hooks", autocomplete: "off", spellcheck: "false" });
  const path = () => `admin/apps/${seg(app)}/webhooks/${kind.value}`;
  const set = button("Set", async () => {
    const got = await act(`${have.has(kind.value) ? "Replace" : "Set"} ${kind.value} webhook`, "PUT", path(), { url: url.value.trim() });
    if (!got.ok) return;
    secret.show([[`Secret of the ${kind.value} webhook`, got.body?.secret]]);
    await done();
  }, { class: "primary" });
  const remove = button("Remove", async () => {
    if (!confirm(`Remove the ${kind.value} webhook? What it was not told yet is in the event log alone.`)) return;
    const got = await act(`Remove ${kind.value} webhook`, "DELETE", path());
    if (!got.ok) return;
    url.value = "";
    await done();
  }, { class: "danger" });

  function name() {
    set.textContent = have.has(kind.value) ? "Replace" : "Set";
    enable(remove, have.has(kind.value));
  }
  function chosen() {
    url.value = have.get(kind.value) ?? "";
    name();
  }
  let first = true;
  function show(webhooks) {
    have = new Map(webhooks.map((w) => [w.kind, w.url]));
    if (first) chosen(); // later what was typed stays
    first = false;
    name();
  }
  const node = h("section", { class: "card" }, h("h2", {}, "Webhook addresses"), secret.node,
    h("form", { class: "line", onsubmit: (e) => { e.preventDefault(); set.click(); } }, kind, url, h("span", { class: "group" }, set, remove)));
  return { node, show };
}
