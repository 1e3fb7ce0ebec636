// What happened to a call, in a few words, from what it was and what it is.

const reached = { ringing: "ringing", active: "answered", held: "put on hold", released: "released" };

// say is what happened last, with its time; null when nothing worth telling did.
export function say(was, is, at, told) {
  if (!was) return first(is, at, told);
  if (was.state !== is.state) {
    const text = was.state === "held" && is.state === "active" ? "resumed" : (reached[is.state] ?? is.state);
    return { text: is.synthetic ? `${text} (inferred)` : text, at };
  }
  if (was.remote_held !== is.remote_held) return { text: is.remote_held ? "held by far end" : "far end is back", at };
  if (was.recording !== is.recording) return { text: `recording ${is.recording || "off"}`, at };
  if (was.conference_id !== is.conference_id) return { text: is.conference_id ? "joined conference" : "left conference", at };
  if (was.muted !== is.muted) return { text: is.muted ? "muted" : "unmuted", at };
  if (was.remote_number !== is.remote_number) return { text: "far end changed", at };
  if (was.phase !== is.phase && is.phase) return { text: is.phase.replaceAll("_", " "), at };
  return null;
}

// first is for a call that is seen for the first time. One that was there before
// has only its times to tell.
function first(is, at, told) {
  if (told) return { text: reached[is.state] ?? is.state, at };
  switch (is.state) {
    case "held":
      return { text: "put on hold", at: is.held_at ?? at };
    case "active":
      return is.held_at ? { text: "active", at: is.held_at } : { text: "answered", at: is.answered_at ?? at };
  }
  return { text: reached[is.state] ?? is.state, at: is.created_at ?? at };
}
