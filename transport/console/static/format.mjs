// How things are written.

const clockTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayTime = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" });

export const time = (ms) => clockTime.format(ms);
export const exact = (ms) => `${clockTime.format(ms)}.${String(Math.floor(ms) % 1000).padStart(3, "0")}`;
export const day = (ms) => dayTime.format(ms);

// length is how long something lasts: 0:07, 12:34, 1:02:03.
export function length(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

// span is a short time in words: 40 ms, 3.2 s, 5 min, 2 h, 3 d.
export function span(ms) {
  if (ms < 1) return ms > 0 ? `${ms.toFixed(2)} ms` : "0 ms";
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 && !Number.isInteger(s) ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 129600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}

export const count = (n) => Math.round(n).toLocaleString("en-US");

export function rate(n) {
  return n >= 100 ? count(n) : n >= 10 ? n.toFixed(0) : n.toFixed(1);
}

export function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${n < 10 && i > 0 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

// words makes a name of the API a word for people.
export const words = (name) => String(name ?? "").replaceAll("_", " ");

// party is the far end of a call in one line.
export const party = (c) => c.remote_name || c.remote_number || "unknown";

// short is an id that fits beside others.
export const short = (id) => (id.length > 13 ? `${id.slice(0, 8)}…` : id);
