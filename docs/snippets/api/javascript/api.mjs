// Each operation of the Calls API in JavaScript (Node 18 and later). Run one:
//
//   API=http://127.0.0.1:8080 APP=… KEY=… SUBSCRIBER=alice@demo.example NUMBER=+1… ONCE=a1 node api.mjs placeCall
//
// The names in capitals are from the environment.

// part is a value from the environment as a part of a path.
const part = (name) => encodeURIComponent(process.env[name]);

// request makes a request with the app's key. A refusal is an error.
async function request(method, path, body, headers = {}) {
  headers = { Authorization: `Bearer ${process.env.KEY}`, ...headers };
  if (body) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const answer = await fetch(process.env.API + path, { method, headers, body });
  if (!answer.ok) {
    throw new Error(`${answer.status}: ${await answer.text()}`);
  }
  return answer;
}

// ask prints what is answered.
async function ask(...args) {
  console.log(await (await request(...args)).text());
}

// follow prints a stream as it comes, for as long as it lasts.
async function follow(path) {
  for await (const piece of (await request("GET", path)).body) {
    process.stdout.write(piece);
  }
}

const operations = {
  // The operations.
  // List live calls
  listCalls: () => ask("GET", `/apps/${part("APP")}/calls`),
  // Place a call
  placeCall: () => ask("POST", `/apps/${part("APP")}/calls`, { subscriber_id: process.env.SUBSCRIBER, subscriber_number: process.env.NUMBER, remote_number: "+442079460018" }, { "Idempotency-Key": process.env.ONCE }),
  // Take back a parked call
  retrieveCall: () => ask("POST", `/apps/${part("APP")}/calls/retrieve`, { subscriber_id: process.env.SUBSCRIBER, subscriber_number: process.env.NUMBER, extension: process.env.EXTENSION }, { "Idempotency-Key": process.env.ONCE }),
  // Read a call
  getCall: () => ask("GET", `/apps/${part("APP")}/calls/${part("CALL")}`),
  // End a call
  endCall: () => ask("DELETE", `/apps/${part("APP")}/calls/${part("CALL")}`),
  // Answer a ringing call
  answerCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/answer`),
  // Decline a ringing call
  declineCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/decline`),
  // Put an active call on hold
  holdCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/hold`),
  // Make a held call active again
  resumeCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/resume`),
  // Take back a held call and end all others
  reconnectCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/reconnect`),
  // Send a ringing call elsewhere
  divertCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/divert`, { remote_number: "+442079460009" }),
  // Transfer a call
  transferCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/transfer`, { remote_number: "+442079460009" }),
  // Transfer a call, muted
  muteTransferCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/mute-transfer`, { remote_number: "+442079460009" }),
  // Join the far ends of two calls
  consultTransferCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/consult-transfer`, { with_call_id: process.env.OTHER_CALL }),
  // Park a call
  parkCall: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/park`, { extension: process.env.EXTENSION }),
  // Send digits to the far end
  sendDigits: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/dtmf`, { digits: "12#" }),
  // Record a call
  startRecording: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/recording/start`),
  // Pause the recording
  pauseRecording: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/recording/pause`),
  // Go on with the recording
  resumeRecording: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/recording/resume`),
  // End the recording
  stopRecording: () => ask("PUT", `/apps/${part("APP")}/calls/${part("CALL")}/recording/stop`),
  // What happened to a call, step by step
  getTimeline: () => ask("GET", `/apps/${part("APP")}/calls/${part("CALL")}/timeline`),
  // Calls that are over
  listCallHistory: () => ask("GET", `/apps/${part("APP")}/call-history?answered=true&limit=10`),
  // List live conferences
  listConferences: () => ask("GET", `/apps/${part("APP")}/conferences`),
  // Join calls
  startConference: () => ask("POST", `/apps/${part("APP")}/conferences`, { call_ids: [process.env.CALL, process.env.OTHER_CALL], client_ref: "board" }, { "Idempotency-Key": process.env.ONCE }),
  // Read a conference
  getConference: () => ask("GET", `/apps/${part("APP")}/conferences/${part("CONFERENCE")}`),
  // End a conference and the calls in it
  endConference: () => ask("DELETE", `/apps/${part("APP")}/conferences/${part("CONFERENCE")}`),
  // Mute a participant
  muteParticipant: () => ask("PUT", `/apps/${part("APP")}/conferences/${part("CONFERENCE")}/participants/${part("CALL")}/mute`),
  // End that he is muted
  unmuteParticipant: () => ask("PUT", `/apps/${part("APP")}/conferences/${part("CONFERENCE")}/participants/${part("CALL")}/unmute`),
  // Have a participant not hear
  deafenParticipant: () => ask("PUT", `/apps/${part("APP")}/conferences/${part("CONFERENCE")}/participants/${part("CALL")}/deaf`),
  // Have him hear again
  undeafenParticipant: () => ask("PUT", `/apps/${part("APP")}/conferences/${part("CONFERENCE")}/participants/${part("CALL")}/undeaf`),
  // List your subscribers
  listSubscribers: () => ask("GET", `/apps/${part("APP")}/subscribers`),
  // Read a subscriber
  getSubscriber: () => ask("GET", `/apps/${part("APP")}/subscribers/${part("SUBSCRIBER")}`),
  // List the live calls of one subscriber
  listSubscriberCalls: () => ask("GET", `/apps/${part("APP")}/subscribers/${part("SUBSCRIBER")}/calls`),
  // List the networks of your subscribers
  listNetworks: () => ask("GET", `/apps/${part("APP")}/networks`),
  // What a network can do
  getNetwork: () => ask("GET", `/apps/${part("APP")}/networks/${part("NETWORK")}`),
  // Read the event log
  listEvents: () => ask("GET", `/apps/${part("APP")}/events?limit=10`),
  // Follow events live
  streamEvents: () => follow(`/apps/${part("APP")}/events/stream`),
  // All webhooks that are set
  listWebhooks: () => ask("GET", `/apps/${part("APP")}/webhooks`),
  // Read a webhook and how its delivery goes
  getWebhook: () => ask("GET", `/apps/${part("APP")}/webhooks/calls`),
  // Set a webhook
  putWebhook: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls`, { url: process.env.WEBHOOK_URL, extended_events: true, signing: "v1+v1a" }),
  // Change a webhook
  patchWebhook: () => ask("PATCH", `/apps/${part("APP")}/webhooks/calls`, { filter: { states: ["active", "released"] } }),
  // Remove a webhook
  deleteWebhook: () => ask("DELETE", `/apps/${part("APP")}/webhooks/calls`),
  // Get a new secret
  rotateSecret: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/rotate-secret`, { overlap_seconds: 3600 }),
  // Get a new signing key
  rotateSigningKey: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/rotate-signing-key`, { overlap_seconds: 3600 }),
  // Send one event now
  testWebhook: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/test`),
  // Keep events waiting
  pauseWebhook: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/pause`),
  // Let a webhook go on
  resumeWebhook: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/resume`),
  // Subscribers with something undelivered
  listStreams: () => ask("GET", `/apps/${part("APP")}/webhooks/calls/streams?limit=10`),
  // Keep the events of one subscriber waiting
  pauseStream: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/streams/${part("SUBSCRIBER")}/pause`),
  // Let the events of one subscriber go on
  resumeStream: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/streams/${part("SUBSCRIBER")}/resume`),
  // What was tried
  listAttempts: () => ask("GET", `/apps/${part("APP")}/webhooks/calls/attempts?limit=10`),
  // Send one event again, now
  redeliverEvent: () => ask("PUT", `/apps/${part("APP")}/webhooks/calls/redeliver`, { subscriber_id: process.env.SUBSCRIBER, sequence_number: "1" }),
  // List redelivery tasks
  listRedeliveries: () => ask("GET", `/apps/${part("APP")}/webhooks/calls/redeliveries`),
  // Send many events again
  startRedelivery: () => ask("POST", `/apps/${part("APP")}/webhooks/calls/redeliveries`, { subscriber_id: process.env.SUBSCRIBER, from_sequence: "1" }),
  // Read a task
  getRedelivery: () => ask("GET", `/apps/${part("APP")}/webhooks/calls/redeliveries/${part("TASK")}`),
  // Cancel a task
  cancelRedelivery: () => ask("DELETE", `/apps/${part("APP")}/webhooks/calls/redeliveries/${part("TASK")}`),
  // This document
  getDocument: () => ask("GET", "/openapi.yaml"),
  // This document, as a page to read
  getReference: () => ask("GET", "/reference"),
  // The end of the operations.
};

try {
  await operations[process.argv[2]]();
} catch (err) {
  console.error(err.message);
  process.exitCode = 1;
}
