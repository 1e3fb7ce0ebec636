// What happened to a call, in a few words, from what it was and what it is.

const reached = { ringing: "ringing", active: "answered", held: "put on hold", released: "released" };

// say is what happened last, as {text, at}; null when nothing worth telling did.
// What is news happened now. When all is told anew, it happened at some time:
// the call's own times say when, or else it was within the time since the feed
// was heard last.
export function say(was, is, at, { news, since }) {
  const seen = news ? { at } : { at: since || at, within: true };
  if (!was) return news ? { text: reached[is.state] ?? is.state, at } : known(is, at);
  if (was.state !== is.state) {
    if (!news) return known(is, at);
    const text = was.state === "held" && is.state === "active" ? "resumed" : (reached[is.state] ?? is.state);
    return { text: is.synthetic ? `${text} (inferred)` : text, at };
  }
  if (!news && was.held_at !== is.held_at) return known(is, at);
  if (was.remote_held !== is.remote_held) return { text: is.remote_held ? "held by far end" : "far end is back", ...seen };
  if (was.recording !== is.recording) return { text: `recording ${is.recording || "off"}`, ...seen };
  if (was.conference_id !== is.conference_id) return { text: is.conference_id ? "joined conference" : "left conference", ...seen };
  if (was.muted !== is.muted) return { text: is.muted ? "muted" : "unmuted", ...seen };
  if (was.remote_number !== is.remote_number) return { text: "far end changed", ...seen };
  if (was.phase !== is.phase && is.phase) return { text: is.phase.replaceAll("_", " "), ...seen };
  return null;
}

// known is what a call tells of itself: it has only its times.
function known(is, at) {
  switch (is.state) {
    case "held":
      return { text: "put on hold", at: is.held_at ?? at };
    case "active":
      return is.held_at ? { text: "active", at: is.held_at } : { text: "answered", at: is.answered_at ?? at };
  }
  return { text: reached[is.state] ?? is.state, at: is.created_at ?? at };
}
