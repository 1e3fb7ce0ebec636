// Subscribers: found by name, number or id.

import { h, put } from "./dom.mjs";
import { get, leaving, seg } from "./api.mjs";
import { day } from "./format.mjs";
import { act, button, enable } from "./acts.mjs";
import { calls } from "./calls.mjs";
import { chip } from "./row.mjs";
import { appName, apps } from "./names.mjs";
import { badge, focused, pages, table } from "./table.mjs";
import { reading } from "./reading.mjs";

let text = "";
leaving.add(() => { text = ""; });

const live = (id) => [...(calls.subs.get(id.toLowerCase()) ?? [])].map((call) => calls.entries.get(call)).filter((e) => e && !e.over);

export function subscriberList() {
  const t = table("Subscribers", [
    ["Name", (s) => h("a", { href: `#/subscribers/${seg(s.subscriber_id)}` }, s.subscriber_name || s.subscriber_id)],
    ["Id", (s) => h("span", { class: "sub" }, s.subscriber_id)],
    ["Number", (s) => h("span", { class: "mono" }, s.subscriber_number)],
    ["Extension", (s) => h("span", { class: "mono" }, s.extension ?? ""), "wide-only"],
    ["Account", (s) => s.subscriber_account_id, "wide-only"],
    ["Apps", (s) => s.apps.map(appName).join(", ") || "none"],
    ["Now", (s) => live(s.subscriber_id).map((e) => h("a", { href: `#/calls/${e.id}`, "aria-label": `Call, ${e.call.state}` }, chip(e.call.state)))],
  ], "No subscriber is like that.");
  let timer = 0;
  const search = h("input", { type: "search", placeholder: "Name, number, extension or id", "aria-label": "Search subscribers", "aria-keyshortcuts": "/", value: text, oninput: () => { text = search.value; clearTimeout(timer); timer = setTimeout(() => { anew = true; read.now(); }, 180); } });
  const p = pages(t, () => `admin/subscribers${text.trim() ? `?q=${encodeURIComponent(text.trim())}` : ""}`);
  let anew = true; // what is looked for is another
  const read = reading(async () => {
    await apps();
    const load = anew ? p.load : p.again;
    anew = false;
    try {
      await load();
    } catch (e) {
      anew ||= load === p.load;
      throw e;
    }
    t.again("Apps"); // an app may have another name
    now(true);
  }, { every: 10000 });

  // What the feed tells is shown with the next frame, of those it tells of.
  const changed = new Set();
  let soon = 0;
  const now = (all) => t.again("Now", (s) => all || changed.has(s.subscriber_id.toLowerCase()));
  const ask = () => { soon ||= setTimeout(() => { soon = 0; now(changed.has("")); changed.clear(); }, 250); };
  const off = calls.on({ change(e) { changed.add(e.key); ask(); }, reset() { changed.add(""); ask(); } });
  return {
    node: h("div", { class: "page" }, h("header", { class: "bar" }, h("h1", {}, "Subscribers"), h("label", { class: "search" }, search)), read.node, h("section", { class: "card" }, t.node, p.more)),
    title: "Subscribers",
    close() {
      clearTimeout(timer);
      clearTimeout(soon);
      off();
      read.close();
    },
  };
}

const standing = { subscribed: "good", pending: "warn", refused: "bad", unknown: "bad" };

export function subscriberPage(id) {
  const title = h("h1", {}, id);
  const facts = h("dl", { class: "facts" });
  const now = h("ul", { class: "mine" });
  const links = h("ul", { class: "links" });
  const other = h("select", { id: "link-app", "aria-label": "App to link" });
  const change = async (label, method, app) => {
    const got = await act(`${label} · ${appName(app)}`, method, `admin/apps/${seg(app)}/subscribers/${seg(id)}`);
    await read.now();
  };
  const link = button("Link", () => other.value && change("Link", "PUT", other.value));
  async function load() {
    const s = await get(`admin/subscribers/${seg(id)}`);
    title.textContent = s.subscriber_name || s.subscriber_id;
    const at = s.provider_status;
    const fact = (k, v) => v && [h("dt", {}, k), h("dd", {}, v)];
    put(facts, [
      fact("Id", h("span", { class: "mono" }, s.subscriber_id)), fact("Number", h("span", { class: "mono" }, s.subscriber_number)), fact("Extension", s.extension), fact("Account", s.subscriber_account_id),
      fact("Network", h("a", { href: "#/networks", class: "mono" }, s.network_id)), fact("Id at the provider", h("span", { class: "mono" }, s.provider_user_id)), fact("In the log", s.log_id && h("span", { class: "mono" }, s.log_id)),
      fact("At the provider", at && [badge(at.state, standing[at.state] ?? "warn"), at.detail ? ` ${at.detail}` : "", at.since ? ` since ${day(at.since)}` : ""]),
    ].filter(Boolean));
    const rest = (await apps()).filter((a) => !s.apps.includes(a.app_id));
    const focus = focused(links);
    put(links, s.apps.length ? s.apps.map((a) => h("li", {}, h("a", { href: `#/apps/${seg(a)}` }, appName(a)), button("Unlink", () => change("Unlink", "DELETE", a), { class: "ghost danger small", "aria-label": `Unlink ${appName(a)}` }))) : h("li", { class: "hint" }, "No app follows this subscriber: nobody is told of the calls."));
    focus();
    const was = other.value;
    put(other, rest.length ? rest.map((a) => h("option", { value: a.app_id }, a.name)) : h("option", { value: "" }, "no other app"));
    if (rest.some((a) => a.app_id === was)) other.value = was;
    enable(link, rest.length > 0);
  }
  const none = h("p", { class: "hint" }, "No live call of this subscriber.");
  const draw = () => {
    const all = live(id);
    none.hidden = all.length > 0;
    put(now, all.map((e) => h("li", {}, h("div", { class: "mine-head" }, chip(e.call.state), h("a", { href: `#/calls/${e.id}` }, e.call.remote_name || e.call.remote_number || e.id)))));
  };
  const off = calls.on({ change: (e) => e.key === id.toLowerCase() && draw(), reset: draw });
  draw();
  const missing = h("p", { class: "hint", hidden: true }, "There is no such subscriber, or not any more.");
  const there = [h("section", { class: "card" }, facts),
      h("section", { class: "card" }, h("header", { class: "card-head" }, h("h2", {}, "Apps that follow"), h("span", { class: "group" }, other, link)), links)];
  const is = (yes) => { missing.hidden = yes; for (const n of there) n.hidden = !yes; };
  const read = reading(() => load().then(() => is(true)), { gone: () => is(false) });
  return {
    node: h("div", { class: "page" }, h("header", { class: "bar" }, title, h("a", { class: "quiet", href: "#/subscribers" }, "All subscribers")), read.node, missing, there, h("section", { class: "card" }, h("h2", {}, "Live calls"), none, now)),
    title: "Subscriber",
    back: "#/subscribers",
    close() {
      off();
      read.close();
    },
  };
}
