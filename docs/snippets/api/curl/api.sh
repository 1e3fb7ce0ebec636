#!/bin/sh
# Each operation of the Calls API with curl. Run one:
#
#   API=http://127.0.0.1:8080 APP=… KEY=… SUBSCRIBER=alice@demo.example NUMBER=+1… ONCE=a1 sh api.sh placeCall
#
# The names in capitals are from the environment; ids in paths have to be escaped
# if they are not made of letters, digits and -._~@:

# The operations.

# List live calls
listCalls() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls"
}

# Place a call
placeCall() {
  curl -sS --fail-with-body -X POST -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls" \
    -H "Idempotency-Key: $ONCE" \
    -H 'Content-Type: application/json' -d @- <<END
{"subscriber_id": "$SUBSCRIBER", "subscriber_number": "$NUMBER", "remote_number": "+442079460018"}
END
}

# Take back a parked call
retrieveCall() {
  curl -sS --fail-with-body -X POST -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/retrieve" \
    -H "Idempotency-Key: $ONCE" \
    -H 'Content-Type: application/json' -d @- <<END
{"subscriber_id": "$SUBSCRIBER", "subscriber_number": "$NUMBER", "extension": "$EXTENSION"}
END
}

# Read a call
getCall() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL"
}

# End a call
endCall() {
  curl -sS --fail-with-body -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL"
}

# Answer a ringing call
answerCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/answer"
}

# Decline a ringing call
declineCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/decline"
}

# Put an active call on hold
holdCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/hold"
}

# Make a held call active again
resumeCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/resume"
}

# Take back a held call and end all others
reconnectCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/reconnect"
}

# Send a ringing call elsewhere
divertCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/divert" \
    -H 'Content-Type: application/json' -d @- <<END
{"remote_number": "+442079460009"}
END
}

# Transfer a call
transferCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/transfer" \
    -H 'Content-Type: application/json' -d @- <<END
{"remote_number": "+442079460009"}
END
}

# Transfer a call, muted
muteTransferCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/mute-transfer" \
    -H 'Content-Type: application/json' -d @- <<END
{"remote_number": "+442079460009"}
END
}

# Join the far ends of two calls
consultTransferCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/consult-transfer" \
    -H 'Content-Type: application/json' -d @- <<END
{"with_call_id": "$OTHER_CALL"}
END
}

# Park a call
parkCall() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/park" \
    -H 'Content-Type: application/json' -d @- <<END
{"extension": "$EXTENSION"}
END
}

# Send digits to the far end
sendDigits() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/dtmf" \
    -H 'Content-Type: application/json' -d @- <<END
{"digits": "12#"}
END
}

# Record a call
startRecording() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/recording/start"
}

# Pause the recording
pauseRecording() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/recording/pause"
}

# Go on with the recording
resumeRecording() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/recording/resume"
}

# End the recording
stopRecording() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/recording/stop"
}

# What happened to a call, step by step
getTimeline() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/timeline"
}

# Calls that are over
listCallHistory() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/call-history?answered=true&limit=10"
}

# List live conferences
listConferences() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences"
}

# Join calls
startConference() {
  curl -sS --fail-with-body -X POST -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences" \
    -H "Idempotency-Key: $ONCE" \
    -H 'Content-Type: application/json' -d @- <<END
{"call_ids": ["$CALL", "$OTHER_CALL"], "client_ref": "board"}
END
}

# Read a conference
getConference() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences/$CONFERENCE"
}

# End a conference and the calls in it
endConference() {
  curl -sS --fail-with-body -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences/$CONFERENCE"
}

# Mute a participant
muteParticipant() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences/$CONFERENCE/participants/$CALL/mute"
}

# End that he is muted
unmuteParticipant() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences/$CONFERENCE/participants/$CALL/unmute"
}

# Have a participant not hear
deafenParticipant() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences/$CONFERENCE/participants/$CALL/deaf"
}

# Have him hear again
undeafenParticipant() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/conferences/$CONFERENCE/participants/$CALL/undeaf"
}

# List your subscribers
listSubscribers() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/subscribers"
}

# Read a subscriber
getSubscriber() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/subscribers/$SUBSCRIBER"
}

# List the live calls of one subscriber
listSubscriberCalls() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/subscribers/$SUBSCRIBER/calls"
}

# List the networks of your subscribers
listNetworks() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/networks"
}

# What a network can do
getNetwork() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/networks/$NETWORK"
}

# Read the event log
listEvents() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/events?limit=10"
}

# Follow events live
streamEvents() {
  curl -sS --fail-with-body -N -H "Authorization: Bearer $KEY" "$API/apps/$APP/events/stream"
}

# All webhooks that are set
listWebhooks() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks"
}

# Read a webhook and how its delivery goes
getWebhook() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls"
}

# Set a webhook
putWebhook() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls" \
    -H 'Content-Type: application/json' -d @- <<END
{"url": "$WEBHOOK_URL", "extended_events": true, "signing": "v1+v1a"}
END
}

# Change a webhook
patchWebhook() {
  curl -sS --fail-with-body -X PATCH -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls" \
    -H 'Content-Type: application/json' -d @- <<END
{"filter": {"states": ["active", "released"]}}
END
}

# Remove a webhook
deleteWebhook() {
  curl -sS --fail-with-body -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls"
}

# Get a new secret
rotateSecret() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/rotate-secret" \
    -H 'Content-Type: application/json' -d @- <<END
{"overlap_seconds": 3600}
END
}

# Get a new signing key
rotateSigningKey() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/rotate-signing-key" \
    -H 'Content-Type: application/json' -d @- <<END
{"overlap_seconds": 3600}
END
}

# Send one event now
testWebhook() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/test"
}

# Keep events waiting
pauseWebhook() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/pause"
}

# Let a webhook go on
resumeWebhook() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/resume"
}

# Subscribers with something undelivered
listStreams() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/streams?limit=10"
}

# Keep the events of one subscriber waiting
pauseStream() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/streams/$SUBSCRIBER/pause"
}

# Let the events of one subscriber go on
resumeStream() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/streams/$SUBSCRIBER/resume"
}

# What was tried
listAttempts() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/attempts?limit=10"
}

# Send one event again, now
redeliverEvent() {
  curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/redeliver" \
    -H 'Content-Type: application/json' -d @- <<END
{"subscriber_id": "$SUBSCRIBER", "sequence_number": "1"}
END
}

# List redelivery tasks
listRedeliveries() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/redeliveries"
}

# Send many events again
startRedelivery() {
  curl -sS --fail-with-body -X POST -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/redeliveries" \
    -H 'Content-Type: application/json' -d @- <<END
{"subscriber_id": "$SUBSCRIBER", "from_sequence": "1"}
END
}

# Read a task
getRedelivery() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/redeliveries/$TASK"
}

# Cancel a task
cancelRedelivery() {
  curl -sS --fail-with-body -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls/redeliveries/$TASK"
}

# This document
getDocument() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/openapi.yaml"
}

# This document, as a page to read
getReference() {
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/reference"
}

# The end of the operations.

"$1"
