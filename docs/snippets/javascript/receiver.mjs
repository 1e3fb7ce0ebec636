// A receiver for the webhooks of offhook.
//
//     OFFHOOK_WEBHOOK_SECRET=whsec_… PORT=9000 node receiver.mjs

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secrets = process.env.OFFHOOK_WEBHOOK_SECRET.split(" ");

// The highest number taken of each stream. Keep it in your database, and write
// it in one transaction with what you do about the event.
const last = new Map();

// verified checks the signature over the bytes as they came, with each secret
// there is: while you change secrets there are two, separated by a space.
function verified(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 5 * 60) return false;
  const signatures = (headers["webhook-signature"] ?? "").split(" ").map((s) => Buffer.from(s));
  return secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    const want = Buffer.from(`v1,${mac}`);
    return signatures.some((s) => s.length === want.length && timingSafeEqual(s, want));
  });
}

// take does something about an event, once.
function take(event) {
  const subscriber = event.subscriber_id ?? "";
  if (!event.sequence_number) { // the subscriber webhook has no numbers, nor has a test event
    console.log(`${event.type} ${subscriber}`);
    return;
  }
  const n = Number(event.sequence_number);
  const stream = JSON.stringify([event.app_id, subscriber]);
  const before = last.get(stream) ?? 0;
  if (n <= before) {
    console.log(`${subscriber} #${n} again, ignored`);
    return;
  }
  if (before > 0 && n > before + 1) console.log(`${subscriber} #${before + 1} to #${n - 1} missing`);
  last.set(stream, n);
  console.log(`${subscriber} #${n} ${event.direction} ${event.state} ${event.call_id}`);
}

// receive returns the status to answer with, and the body if there is one.
function receive(request, body) {
  if (!verified(request.headers, body)) {
    console.log("refused");
    return [401];
  }
  try {
    const events = JSON.parse(body);
    for (const event of Array.isArray(events) ? events : [events]) { // an array in batch mode
      if (event.type === "webhook.challenge") return [200, event.challenge]; // asks whether this URL is ours; comes alone
      take(event);
    }
  } catch {
    return [400];
  }
  return [200]; // whatever takes long comes after this
}

const server = createServer(async (request, response) => {
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += chunk.length;
      if (size > 1 << 20) return request.destroy();
      chunks.push(chunk);
    }
  } catch {
    return; // the sender has gone
  }
  const [status, answer] = request.method === "POST" ? receive(request, Buffer.concat(chunks)) : [405];
  response.writeHead(status).end(answer);
});
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log(`ready http://127.0.0.1:${server.address().port}`));
