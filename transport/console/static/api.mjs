// Requests to the admin listener. The token lives in this tab alone, and goes
// with nothing that the browser sends by itself: there is nothing to forge.

const KEPT = "offhook.admin-token";

// What is kept in this tab for one who is logged in is forgotten by these when he
// leaves: the next one is another.
export const leaving = new Set();

export const session = {
  n: 0, // how many there were
  token: () => sessionStorage.getItem(KEPT) ?? "",
  begin: (token) => sessionStorage.setItem(KEPT, token),
  end() {
    session.n++;
    sessionStorage.removeItem(KEPT);
    for (const forget of leaving) forget();
  },
};

// Refused is an answer that is no success; status 0 when there was none.
export class Refused extends Error {
  constructor(status, problem, took) {
    super(problem.detail || problem.title || `status ${status}`);
    Object.assign(this, { status, took, code: problem.code ?? "", field: problem.field, state: problem.state, retry: problem.retry });
  }
}

export function at(path) {
  return new URL(path, document.baseURI);
}

// seg is a value inside a path.
export const seg = encodeURIComponent;

// How long an answer may take. What offhook does waits up to 15 s for a provider
// or a receiver.
const READ = 8000;
const DONE = 30000;

// ask sends one request and returns what came back: status, body, took (ms), next
// (the cursor of the page behind this one). It throws Refused.
export async function ask(method, path, body) {
  const began = performance.now();
  const headers = { Authorization: `Bearer ${session.token()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const reads = method === "GET";
  const signal = AbortSignal.timeout(reads ? READ : DONE);
  let answer;
  let text;
  try {
    answer = await fetch(at(path), { method, headers, cache: "no-store", credentials: "omit", signal, body: body === undefined ? undefined : JSON.stringify(body) });
    text = await answer.text();
  } catch {
    throw new Refused(0, none(signal, reads, Boolean(answer)), performance.now() - began);
  }
  const took = performance.now() - began;
  let doc = null;
  try {
    doc = text ? JSON.parse(text) : null;
  } catch {
    doc = answer.ok ? text : { detail: "an answer that is no JSON" };
  }
  if (!answer.ok) {
    if (answer.status === 401 && session.token()) dispatchEvent(new Event("offhook-stranger"));
    throw new Refused(answer.status, { ...doc, retry: Number(answer.headers.get("Retry-After")) || 0 }, took);
  }
  const next = /[?&]after=([^&>]+)/.exec(answer.headers.get("Link") ?? "")?.[1] ?? "";
  return { status: answer.status, body: doc, took, next };
}

// none says that there was no answer. What a request was to do may be done.
function none(signal, reads, begun) {
  const detail = signal.aborted ? `offhook did not answer within ${(reads ? READ : DONE) / 1000} s` : begun ? "the answer broke off" : "offhook does not answer";
  return { code: signal.aborted ? "timeout" : "unreachable", detail: reads ? detail : `${detail}; whether it was done is not known` };
}

export const get = async (path) => (await ask("GET", path)).body;

// plain reads what needs no token: the metrics, and what is ready, whose answer
// is one in any case.
export async function plain(path, anyway = false) {
  const signal = AbortSignal.timeout(READ);
  let answer;
  try {
    answer = await fetch(at(path), { cache: "no-store", credentials: "omit", signal });
    const text = await answer.text();
    if (answer.ok || anyway) return text;
  } catch {
    throw new Refused(0, none(signal, true, Boolean(answer)), 0);
  }
  throw new Refused(answer.status, {}, 0);
}
