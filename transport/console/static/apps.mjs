// Apps: their keys, whom they follow, and how their webhooks do.

import { h, put } from "./dom.mjs";
import { get, seg } from "./api.mjs";
import { act, button } from "./acts.mjs";
import { day, short, span } from "./format.mjs";
import { apps } from "./names.mjs";
import { badge, table } from "./table.mjs";

const how = { healthy: "good", "backing-off": "warn", backing_off: "warn", open: "bad", failing: "bad", paused: "idle", disabled: "bad" };
export const condition = (c) => badge(c.replaceAll("_", " "), how[c] ?? "warn");

export function appList() {
  const t = table("Apps", [
    ["App", (a) => h("a", { href: `#/apps/${seg(a.app_id)}` }, a.name)],
    ["Id", (a) => h("span", { class: "mono sub" }, a.app_id), "wide-only"],
    ["Keys", (a) => String(a.keys.length), "num"],
    ["Calls webhook", (a) => health(a, "calls")],
    ["Backlog", (a) => backlog(a, "calls"), "num"],
    ["Subscriber webhook", (a) => health(a, "subscriber")],
    ["Since", (a) => day(a.created_at), "wide-only"],
  ], "There is no app yet. POST /admin/apps makes one.");
  const health = (a, kind) => {
    const w = a.hooks?.find((x) => x.kind === kind);
    return w ? h("a", { href: `#/apps/${seg(a.app_id)}/webhooks/${kind}`, "aria-label": `${kind} webhook of ${a.name}: ${w.delivery.condition}` }, condition(w.delivery.condition)) : h("span", { class: "sub" }, "none");
  };
  const backlog = (a, kind) => {
    const d = a.hooks?.find((x) => x.kind === kind)?.delivery;
    return d ? (d.oldest_undelivered_ms ? span(d.oldest_undelivered_ms) : "–") : "";
  };
  async function load() {
    const all = await apps();
    for (const a of all) a.hooks = await get(`admin/apps/${seg(a.app_id)}/webhooks`).catch(() => []);
    t.show(all);
  }
  load().catch(() => {});
  const again = setInterval(() => document.hidden || load().catch(() => {}), 5000);
  return { node: h("div", { class: "page" }, h("header", { class: "bar" }, h("h1", {}, "Apps")), h("section", { class: "card" }, t.node)), title: "Apps", close: () => clearInterval(again) };
}

export function appPage(id) {
  const title = h("h1", {}, short(id));
  const hooks = h("div", { class: "hooks" });
  const shown = h("div", { class: "once", hidden: true });
  const keys = table("Keys", [
    ["Key", (k) => h("span", { class: "mono" }, k.key_id)],
    ["May", (k) => k.scopes.join(", ")],
    ["Since", (k) => day(k.created_at)],
    ["", (k) => button("Delete", async () => { if (confirm(`Delete the key ${k.key_id}? Whoever uses it is refused from then on.`)) { await act(`Delete key ${k.key_id}`, "DELETE", `admin/apps/${seg(id)}/keys/${seg(k.key_id)}`); load(); } }, { class: "ghost danger small", "aria-label": `Delete key ${k.key_id}` }), "end"],
  ], "No key: the app cannot ask for anything.");

  async function make(scopes) {
    const got = await act("New key", "POST", `admin/apps/${seg(id)}/keys`, { scopes });
    if (!got.ok) return;
    shown.hidden = false;
    put(shown, h("b", {}, "The new key, shown this once: "), h("code", { class: "mono", tabindex: "0" }, got.body.api_key), h("button", { type: "button", class: "ghost small", onclick: () => navigator.clipboard?.writeText(got.body.api_key) }, "Copy"), h("button", { type: "button", class: "ghost small", onclick: () => { shown.hidden = true; put(shown); } }, "Done"));
    load();
  }

  async function load() {
    const a = await get(`admin/apps/${seg(id)}`);
    title.textContent = a.name;
    keys.show(a.keys);
    const all = await get(`admin/apps/${seg(id)}/webhooks`);
    put(hooks, all.length ? all.map((w) => card(id, w)) : h("p", { class: "hint" }, "No webhook is set. The app can still read its event log."));
  }
  load().catch((e) => { title.textContent = e.message; });
  const again = setInterval(() => document.hidden || load().catch(() => {}), 5000);
  const node = h("div", { class: "page" },
    h("header", { class: "bar" }, title, h("a", { class: "quiet", href: "#/apps" }, "All apps")),
    h("p", { class: "mono sub" }, id),
    h("section", { "aria-label": "Webhooks" }, hooks),
    h("section", { class: "card" }, h("header", { class: "card-head" }, h("h2", {}, "Keys"), h("span", { class: "group" }, button("New key", () => make(["calls:read", "calls:control"])), button("New read-only key", () => make(["calls:read"]), { class: "ghost" }))), shown, keys.node));
  return { node, title: "App", close: () => clearInterval(again) };
}

function card(app, w) {
  const d = w.delivery;
  const fact = (k, v) => [h("dt", {}, k), h("dd", {}, v)];
  return h("article", { class: "card hook" },
    h("header", { class: "card-head" }, h("h2", {}, h("a", { href: `#/apps/${seg(app)}/webhooks/${w.kind}` }, `${w.kind} webhook`)), d ? condition(d.condition) : null),
    h("p", { class: "mono sub url" }, w.url),
    d ? h("dl", { class: "facts" }, fact("Backlog", d.oldest_undelivered_ms ? `oldest waits ${span(d.oldest_undelivered_ms)}` : "nothing waits"), fact("Waiting streams", String(d.waiting_streams)), fact("Parked", String(d.parked_streams)), fact("In flight", `${d.in_flight} of ${d.concurrency}`)) : h("p", { class: "hint" }, "Tells of webhooks that fail."));
}
