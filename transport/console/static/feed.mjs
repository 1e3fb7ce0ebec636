// The live feed: server-sent events over fetch, since they go with the token.

import { at, session } from "./api.mjs";

const QUIET = 11000; // ms without a sign of life, that is one each 5 s

// follow reads the feed for good, and comes back when it breaks. It tells
// on.event(name, data) and on.state("connecting" | "live" | "lost", detail).
export function follow(path, on) {
  let stopped = false;
  let abort = new AbortController();
  const run = async () => {
    for (let pause = 500; !stopped; pause = Math.min(pause * 2, 8000)) {
      abort = new AbortController();
      on.state("connecting", "");
      const why = await read(path, abort, {
        event(name, data) {
          pause = 500;
          on.event(name, data);
        },
        live: () => on.state("live", ""),
      });
      if (stopped) return;
      on.state("lost", why);
      await new Promise((go) => setTimeout(go, pause * (0.75 + Math.random() / 2)));
    }
  };
  run();
  return () => {
    stopped = true;
    abort.abort();
  };
}

// read reads until the stream ends, and says why.
async function read(path, abort, on) {
  let timer = 0;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), QUIET);
  };
  try {
    alive();
    const answer = await fetch(at(path), { headers: { Authorization: `Bearer ${session.token()}` }, signal: abort.signal, cache: "no-store", credentials: "omit" });
    if (answer.status === 401) dispatchEvent(new Event("offhook-stranger"));
    if (!answer.ok) return `status ${answer.status}`;
    on.live();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return "ended";
      alive();
      rest += value;
      const end = rest.lastIndexOf("\n\n");
      if (end < 0) continue;
      const whole = rest.slice(0, end);
      rest = rest.slice(end + 2);
      for (const block of whole.split("\n\n")) {
        const event = parse(block);
        if (event) on.event(event.name, event.data);
      }
    }
  } catch {
    return "unreachable";
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

function parse(block) {
  let name = "";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  return name && data ? { name, data: JSON.parse(data) } : null;
}
