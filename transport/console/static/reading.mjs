// What a page reads again and again, so that it follows what changes, and what
// it says while it cannot.

import { h, mark } from "./dom.mjs";
import { Refused } from "./api.mjs";
import { calls } from "./calls.mjs";
import { time } from "./format.mjs";

// reading calls load at once, every so many ms while the page is in sight, and
// when the feed is back. Its node says in words why nothing could be read, and
// since when what the page shows is old; it is empty while all is well. gone, if
// given, hears that there is no such thing (any more).
export function reading(load, { every = 5000, gone } = {}) {
  const node = h("p", { class: "trouble", role: "status" });
  let read = 0; // when, last
  let timer = 0;
  let closed = false;
  let running = null;
  let queued = null;

  function trouble(text) {
    node.textContent = text;
    if (node.parentElement) mark(node.parentElement, "data-old", text !== "");
  }
  function well() {
    read = Date.now();
    trouble("");
  }

  async function once() {
    clearTimeout(timer);
    try {
      await load();
      if (closed) return;
      well();
    } catch (e) {
      if (!(e instanceof Refused)) reportError(e);
      if (closed) return;
      if (e.status === 404 && gone) {
        well();
        gone();
      } else trouble(`${read ? `As it was at ${time(read)}, and not read since` : "Not read yet"}: ${e.message}. Trying again.`);
    }
    timer = setTimeout(turn, every);
  }
  const turn = () => {
    if (document.hidden) timer = setTimeout(turn, every);
    else now();
  };

  // now reads once more, and is done when what was read is not older than the call.
  function now() {
    if (closed) return Promise.resolve();
    if (!running) return (running = once().finally(() => { running = null; }));
    return (queued ??= running.then(() => { queued = null; return now(); }));
  }

  const seen = () => document.hidden || now();
  document.addEventListener("visibilitychange", seen);
  const off = calls.on({ again: now });
  now();
  return {
    node,
    now,
    close() {
      closed = true;
      clearTimeout(timer);
      off();
      document.removeEventListener("visibilitychange", seen);
    },
  };
}
