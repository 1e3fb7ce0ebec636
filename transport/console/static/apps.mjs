// Apps: their keys, whom they follow, and how their webhooks do.

import { h, put } from "./dom.mjs";
import { get, seg } from "./api.mjs";
import { act, button } from "./acts.mjs";
import { day, short, span } from "./format.mjs";
import { apps } from "./names.mjs";
import { badge, focused, pages, table } from "./table.mjs";
import { reading } from "./reading.mjs";
import { hookForm } from "./hookform.mjs";
import { once } from "./once.mjs";

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
  ], "There is no app yet.");
  const health = (a, kind) => {
    const w = a[`${kind}_webhook`];
    const is = w?.delivery?.condition ?? "not known";
    return w ? h("a", { href: `#/apps/${seg(a.app_id)}/webhooks/${kind}`, "aria-label": `${kind} webhook of ${a.name}: ${is}` }, condition(is)) : h("span", { class: "sub" }, "none");
  };
  const backlog = (a, kind) => {
    const d = a[`${kind}_webhook`]?.delivery;
    return d ? (d.oldest_undelivered_ms ? span(d.oldest_undelivered_ms) : "–") : "";
  };
  const read = reading(async () => t.show(await apps()));
  const shown = once();
  const name = h("input", { id: "app-name", type: "text", placeholder: "Name", "aria-label": "Name of the new app", maxlength: "128", autocomplete: "off" });
  const url = h("input", { id: "app-url", type: "url", class: "mono", placeholder: "Calls webhook URL (or none)", "aria-label": "Calls webhook URL of the new app", autocomplete: "off", spellcheck: "false" });
  const create = button("Create app", async () => {
    const got = await act(`Create app · ${name.value}`, "POST", "admin/apps", { name: name.value.trim(), ...(url.value.trim() && { calls_webhook: { url: url.value.trim() } }) });
    if (!got.ok) return;
    shown.show([["API key", got.body.api_key], ["Webhook secret", got.body.calls_webhook?.secret]], h("a", { href: `#/apps/${seg(got.body.app_id)}` }, `Open ${got.body.name}`));
    name.value = url.value = "";
    await read.now();
  }, { class: "primary" });
  const form = h("section", { class: "card" }, h("h2", {}, "New app"), shown.node, h("form", { class: "line", onsubmit: (e) => { e.preventDefault(); create.click(); } }, name, url, create));
  return { node: h("div", { class: "page" }, h("header", { class: "bar" }, h("h1", {}, "Apps")), read.node, h("section", { class: "card" }, t.node), form), title: "Apps", close: read.close };
}

export function appPage(id) {
  const title = h("h1", {}, short(id));
  const hooks = h("div", { class: "hooks" });
  const shown = once();
  const address = hookForm(id, () => read.now());
  const people = followed(id, () => read.now());
  const keys = table("Keys", [
    ["Key", (k) => h("span", { class: "mono" }, k.key_id)],
    ["May", (k) => k.scopes.join(", ")],
    ["Since", (k) => day(k.created_at)],
    ["", (k) => button("Delete", async () => { if (confirm(`Delete the key ${k.key_id}? Whoever uses it is refused from then on.`)) { await act(`Delete key ${k.key_id}`, "DELETE", `admin/apps/${seg(id)}/keys/${seg(k.key_id)}`); read.now(); } }, { class: "ghost danger small", "aria-label": `Delete key ${k.key_id}` }), "end"],
  ], "No key: the app cannot ask for anything.");

  async function make(scopes) {
    const got = await act("New key", "POST", `admin/apps/${seg(id)}/keys`, { scopes });
    if (!got.ok) return;
    shown.show([["API key", got.body.api_key]]);
    read.now();
  }

  async function load() {
    const a = await get(`admin/apps/${seg(id)}`);
    title.textContent = a.name;
    keys.show(a.keys);
    const all = await get(`admin/apps/${seg(id)}/webhooks`);
    address.show(all);
    const at = focused(hooks);
    put(hooks, all.length ? all.map((w) => card(id, w)) : h("p", { class: "hint" }, "No webhook is set. The app can still read its event log."));
    at();
    await people.again();
  }
  const rest = h("div", { class: "rest" });
  const missing = h("p", { class: "hint", hidden: true }, "There is no such app, or not any more.");
  const read = reading(load, { gone() { rest.hidden = true; missing.hidden = false; } });
  put(rest,
    h("section", { "aria-label": "Webhooks" }, hooks), address.node,
    h("section", { class: "card" }, h("header", { class: "card-head" }, h("h2", {}, "Keys"), h("span", { class: "group" }, button("New key", () => make(["calls:read", "calls:control"])), button("New read-only key", () => make(["calls:read"]), { class: "ghost" }))), shown.node, keys.node),
    people.node);
  const node = h("div", { class: "page" },
    h("header", { class: "bar" }, title, h("a", { class: "quiet", href: "#/apps" }, "All apps")), read.node,
    h("p", { class: "mono sub" }, id), missing, rest);
  return { node, title: "App", back: "#/apps", close: read.close };
}

// followed is whom an app follows, a page at a time. done is called after each change.
function followed(id, done) {
  const of = (subscriber) => `admin/apps/${seg(id)}/subscribers/${seg(subscriber)}`;
  const change = async (label, method, subscriber) => {
    const got = await act(`${label} · ${subscriber}`, method, of(subscriber));
    await done();
    return got.ok;
  };
  const t = table("Subscribers of the app", [
    ["Name", (s) => h("a", { href: `#/subscribers/${seg(s.subscriber_id)}` }, s.subscriber_name || s.subscriber_id)],
    ["Id", (s) => h("span", { class: "sub" }, s.subscriber_id)],
    ["Number", (s) => h("span", { class: "mono" }, s.subscriber_number)],
    ["", (s) => button("Unlink", () => change("Unlink", "DELETE", s.subscriber_id), { class: "ghost danger small", "aria-label": `Unlink ${s.subscriber_id}` }), "end"],
  ], "The app follows nobody: it is told of no call.");
  const list = pages(t, () => `admin/apps/${seg(id)}/subscribers`, 50);
  const who = h("input", { id: "link-subscriber", type: "text", placeholder: "Subscriber id", "aria-label": "Subscriber to link", autocomplete: "off", spellcheck: "false" });
  const link = button("Link", async () => { if (await change("Link", "PUT", who.value.trim())) who.value = ""; });
  const node = h("section", { class: "card" },
    h("header", { class: "card-head" }, h("h2", {}, "Subscribers"), h("form", { class: "group", onsubmit: (e) => { e.preventDefault(); link.click(); } }, who, link)), t.node, list.more);
  return { node, again: list.again };
}

function card(app, w) {
  const d = w.delivery;
  const fact = (k, v) => [h("dt", {}, k), h("dd", {}, v)];
  return h("article", { class: "card hook" },
    h("header", { class: "card-head" }, h("h2", {}, h("a", { href: `#/apps/${seg(app)}/webhooks/${w.kind}` }, `${w.kind} webhook`)), d ? condition(d.condition) : null),
    h("p", { class: "mono sub url" }, w.url),
    d ? h("dl", { class: "facts" }, fact("Backlog", d.oldest_undelivered_ms ? `oldest waits ${span(d.oldest_undelivered_ms)}` : "nothing waits"), fact("Waiting streams", String(d.waiting_streams)), fact("Parked", String(d.parked_streams)), fact("In flight", `${d.in_flight} of ${d.concurrency}`)) : h("p", { class: "hint" }, "Tells of webhooks that fail."));
}
