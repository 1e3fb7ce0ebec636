// Rates and latencies, read from /metrics as a monitoring system would, and kept
// for some minutes.

import { plain } from "./api.mjs";

const EVERY = 2000;
const KEPT = 150; // samples: five minutes

// parse reads the text format into name → [{labels, value}].
export function parse(text, wanted) {
  const all = new Map();
  for (const line of text.split("\n")) {
    if (!line || line[0] === "#") continue;
    const brace = line.indexOf("{");
    const space = line.lastIndexOf(" ");
    const name = line.slice(0, brace < 0 ? space : brace);
    if (!wanted.has(name)) continue;
    const labels = {};
    if (brace >= 0) for (const [, k, v] of line.slice(brace, space).matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[k] = v;
    if (!all.has(name)) all.set(name, []);
    all.get(name).push({ labels, value: Number(line.slice(space + 1)) });
  }
  return all;
}

const histograms = ["offhook_command_seconds", "offhook_webhook_latency_seconds", "offhook_http_request_seconds", "offhook_store_append_seconds"];
const plainNames = ["offhook_transitions_total", "offhook_webhook_attempts_total", "offhook_store_waiting_events", "offhook_webhook_oldest_undelivered_seconds", "offhook_live_calls", "offhook_store_free_bytes", "offhook_store_disk_bytes", "go_memstats_heap_alloc_bytes", "process_resident_memory_bytes", "go_goroutines", "offhook_event_streams"];
const wanted = new Set([...plainNames, ...histograms.map((h) => `${h}_bucket`)]);

const sum = (all, name, is = () => true) => (all.get(name) ?? []).reduce((n, s) => (is(s.labels) ? n + s.value : n), 0);
const most = (all, name) => (all.get(name) ?? []).reduce((n, s) => Math.max(n, s.value), 0);

function buckets(all, name, is = () => true) {
  const by = new Map();
  for (const s of all.get(`${name}_bucket`) ?? []) if (is(s.labels)) by.set(s.labels.le, (by.get(s.labels.le) ?? 0) + s.value);
  return [...by].map(([le, n]) => [le === "+Inf" ? Infinity : Number(le), n]).sort((a, b) => a[0] - b[0]);
}

// quantile of what came between two readings of a histogram, in ms; null if nothing did.
function quantile(now, before, q) {
  const was = new Map(before);
  const diff = now.map(([le, n]) => [le, n - (was.get(le) ?? 0)]);
  const total = diff.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  let low = 0;
  let under = 0;
  for (const [le, n] of diff) {
    if (n >= q * total) return 1000 * (le === Infinity ? low : low + (n > under ? ((q * total - under) / (n - under)) * (le - low) : 0));
    low = le;
    under = n;
  }
  return null;
}

export const series = { at: [], transitions: [], delivered: [], failed: [], waiting: [], oldest: [], live: [], command50: [], command99: [], webhook50: [], webhook99: [], api: [], api99: [], sync99: [], heap: [] };
export const gauges = {};
const listeners = new Set();
let last = null;
let timer = 0;

function take(text) {
  const at = performance.now();
  const all = parse(text, wanted);
  const ok = (l) => l.outcome === "2xx";
  const isApi = (l) => l.listener === "api";
  const now = {
    at,
    transitions: sum(all, "offhook_transitions_total"),
    delivered: sum(all, "offhook_webhook_attempts_total", ok),
    attempts: sum(all, "offhook_webhook_attempts_total"),
    command: buckets(all, "offhook_command_seconds", (l) => l.verb !== "get"),
    webhook: buckets(all, "offhook_webhook_latency_seconds"),
    http: buckets(all, "offhook_http_request_seconds", isApi),
    sync: buckets(all, "offhook_store_append_seconds"),
  };
  Object.assign(gauges, { free: sum(all, "offhook_store_free_bytes"), disk: sum(all, "offhook_store_disk_bytes"), memory: sum(all, "process_resident_memory_bytes"), goroutines: sum(all, "go_goroutines"), streams: sum(all, "offhook_event_streams") });
  if (last) {
    const s = (now.at - last.at) / 1000;
    const per = (k) => Math.max(0, (now[k] - last[k]) / s);
    const total = (b) => b.at(-1)?.[1] ?? 0;
    const delivered = per("delivered");
    push({
      at: Date.now(), transitions: per("transitions"), delivered, failed: Math.max(0, per("attempts") - delivered), waiting: sum(all, "offhook_store_waiting_events"),
      oldest: 1000 * most(all, "offhook_webhook_oldest_undelivered_seconds"), live: sum(all, "offhook_live_calls"),
      command50: quantile(now.command, last.command, 0.5), command99: quantile(now.command, last.command, 0.99),
      webhook50: quantile(now.webhook, last.webhook, 0.5), webhook99: quantile(now.webhook, last.webhook, 0.99),
      api: Math.max(0, (total(now.http) - total(last.http)) / s), api99: quantile(now.http, last.http, 0.99), sync99: quantile(now.sync, last.sync, 0.99),
      heap: sum(all, "go_memstats_heap_alloc_bytes"),
    });
  }
  last = now;
}

function push(sample) {
  for (const [k, list] of Object.entries(series)) {
    list.push(sample[k] ?? null); // a gap: nothing was read
    if (list.length > KEPT) list.shift();
  }
  for (const fn of listeners) fn();
}

export function onSample(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

export function startMetrics() {
  stopMetrics();
  const turn = async () => {
    if (!document.hidden) await plain("metrics").then(take).catch(() => { last = null; push({ at: Date.now() }); });
    timer = setTimeout(turn, EVERY);
  };
  timer = setTimeout(turn, 0);
}

export function stopMetrics() {
  clearTimeout(timer);
  timer = 0;
  last = null;
}
