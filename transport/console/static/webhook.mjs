// One webhook: how it does, what waits, every attempt, and what to do about it.

import { h, put } from "./dom.mjs";
import { get, seg } from "./api.mjs";
import { act, button, enable } from "./acts.mjs";
import { exact, day, span } from "./format.mjs";
import { badge, pages, table } from "./table.mjs";
import { reading } from "./reading.mjs";
import { condition } from "./apps.mjs";
import { appName, apps } from "./names.mjs";
import { calls } from "./calls.mjs";

export function webhookPage(app, kind) {
  const base = `admin/apps/${seg(app)}/webhooks/${seg(kind)}`;
  const state = h("span");
  const facts = h("dl", { class: "facts many" });
  const url = h("p", { class: "mono sub url" });
  const name = h("a", { class: "quiet", href: `#/apps/${seg(app)}` }, appName(app));
  const failed = h("input", { type: "checkbox", id: "only-failed", onchange: () => anew() });
  const whose = h("input", { type: "search", placeholder: "Subscriber id", "aria-label": "Attempts of one subscriber", onchange: () => anew() });
  const change = (label, method, rest, body) => async () => {
    await act(label, method, base + rest, body);
    await read.now();
  };
  let first = true; // other attempts are wanted
  const anew = () => { first = true; return read.now(); };
  const pause = button("Pause", change("Pause webhook", "PUT", "/pause"));
  const resume = button("Resume", change("Resume webhook", "PUT", "/resume"), { class: "primary" });
  const test = button("Send test event", change("Test event", "PUT", "/test"), { class: "ghost" });

  const streams = table("Streams that wait", [
    ["Subscriber", (s) => s.subscriber_id],
    ["Event", (s) => `#${s.sequence_number}`, "num"],
    ["Waits", (s) => span(calls.now() - s.waiting_since), "num"],
    ["Failures", (s) => String(s.failures), "num"],
    ["Next try", (s) => (s.parked ? badge("parked", "bad") : s.paused ? badge("paused", "idle") : s.next_try_at ? exact(s.next_try_at).slice(0, 8) : "now")],
    ["", (s) => button(s.paused ? "Resume" : "Pause", change(`${s.paused ? "Resume" : "Pause"} stream`, "PUT", `/streams/${seg(s.subscriber_id)}/${s.paused ? "resume" : "pause"}`), { class: "ghost small", "aria-label": `${s.paused ? "Resume" : "Pause"} the stream of ${s.subscriber_id}` }), "end"],
  ], "Nothing waits: every event was taken.");

  const waits = pages(streams, () => `${base}/streams`, 50);

  const attempts = table("Attempts", [
    ["At", (a) => h("span", { class: "mono", title: day(a.at) }, exact(a.at))],
    ["Subscriber", (a) => a.subscriber_id],
    ["Event", (a) => `#${a.sequence_number}`, "num"],
    ["Try", (a) => (a.redelivery ? "again" : String(a.attempt)), "num"],
    ["Answer", (a) => badge(a.status ? String(a.status) : a.error || "none", a.status >= 200 && a.status < 300 ? "good" : "bad")],
    ["Took", (a) => span(a.latency_ms), "num"],
    ["", (a) => button("Redeliver", change(`Redeliver #${a.sequence_number}`, "PUT", "/redeliver", { subscriber_id: a.subscriber_id, sequence_number: a.sequence_number }), { class: "ghost small", "aria-label": `Redeliver event ${a.sequence_number} of ${a.subscriber_id}` }), "end"],
  ], "No attempt is like that.");
  const tries = pages(attempts, () => `${base}/attempts?${new URLSearchParams({ ...(failed.checked && { failed: "true" }), ...(whose.value.trim() && { subscriber_id: whose.value.trim() }) })}`, 50);

  async function load() {
    if (!named) await apps();
    named = true;
    name.textContent = appName(app);
    const w = await get(base);
    is(true);
    const d = w.delivery;
    url.textContent = w.url;
    const fact = (k, v) => v && [h("dt", {}, k), h("dd", {}, v)];
    if (!d) return put(facts, fact("Tells of", "webhooks that fail, are disabled, or recover"));
    put(state, condition(d.condition));
    enable(pause, !w.paused);
    enable(resume, w.paused || Boolean(w.disabled) || d.condition !== "healthy" || d.parked_streams > 0);
    put(facts, [
      fact("Backlog", d.oldest_undelivered_ms ? `oldest waits ${span(d.oldest_undelivered_ms)}` : "nothing waits"),
      fact("Waiting streams", String(d.waiting_streams)), fact("Parked streams", String(d.parked_streams)), fact("In flight", `${d.in_flight} of ${d.concurrency}`),
      fact("Next try", d.next_try_at && exact(d.next_try_at).slice(0, 8)), fact("Disabled", w.disabled),
      fact("Signing", w.signing), fact("Secrets", String(w.secrets.count)), fact("Batches", w.batch ? "yes" : "no"), fact("Extended events", w.extended_events ? "yes" : "no"),
    ].filter(Boolean));
    await waits.again();
    streams.again("Waits");
    const list = first ? tries.load : tries.again;
    first = false;
    await list();
  }

  let named = false;
  const missing = h("p", { class: "hint", hidden: true }, "This webhook is not set, or not any more.");
  const there = [
    h("section", { class: "card" }, url, facts, kind === "operations" ? h("div", { class: "group" }, test) : h("div", { class: "group" }, pause, resume, test)),
    kind === "operations" ? null : [
      h("section", { class: "card" }, h("h2", {}, "Streams that wait"), streams.node, waits.more),
      h("section", { class: "card" }, h("header", { class: "card-head" }, h("h2", {}, "Attempts"), h("span", { class: "group" }, whose, h("label", { class: "check", for: "only-failed" }, failed, "failed only"), button("Refresh", () => anew(), { class: "ghost" }))), attempts.node, tries.more)]].flat().filter(Boolean);
  const is = (yes) => { missing.hidden = yes; for (const n of [state, ...there]) n.hidden = !yes; };
  const read = reading(load, { every: 3000, gone: () => is(false) });
  const node = h("div", { class: "page" },
    h("header", { class: "bar" }, h("h1", {}, `${kind[0].toUpperCase()}${kind.slice(1)} webhook`), state, name), read.node, missing, there);
  return { node, title: "Webhook", back: `#/apps/${seg(app)}`, close: read.close };
}
