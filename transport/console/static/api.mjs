// Requests to the admin listener. The token lives in this tab alone, and goes
// with nothing that the browser sends by itself: there is nothing to forge.

const KEPT = "offhook.admin-token";

export const session = {
  token: () => sessionStorage.getItem(KEPT) ?? "",
  begin: (token) => sessionStorage.setItem(KEPT, token),
  end: () => sessionStorage.removeItem(KEPT),
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

// ask sends one request and returns what came back: status, body, took (ms), next
// (the cursor of the page behind this one). It throws Refused.
export async function ask(method, path, body) {
  const began = performance.now();
  const headers = { Authorization: `Bearer ${session.token()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(at(path), { method, headers, cache: "no-store", credentials: "omit", body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused(0, { code: "unreachable", detail: "offhook does not answer" }, performance.now() - began);
  }
  const text = await answer.text();
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

export const get = async (path) => (await ask("GET", path)).body;

// text reads what needs no token: the metrics.
export async function plain(path, signal) {
  const answer = await fetch(at(path), { cache: "no-store", credentials: "omit", signal });
  if (!answer.ok) throw new Refused(answer.status, {}, 0);
  return answer.text();
}
