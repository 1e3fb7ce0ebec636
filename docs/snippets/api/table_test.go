package api

// bodies are what each operation sends that has a body, beside the paths and
// methods of docs/openapi.yaml. "$NAME" is from the environment.
var bodies = map[string]string{
	"placeCall":           `{"subscriber_id": "$SUBSCRIBER", "subscriber_number": "$NUMBER", "remote_number": "+442079460018"}`,
	"retrieveCall":        `{"subscriber_id": "$SUBSCRIBER", "subscriber_number": "$NUMBER", "extension": "$EXTENSION"}`,
	"divertCall":          `{"remote_number": "+442079460009"}`,
	"transferCall":        `{"remote_number": "+442079460009"}`,
	"muteTransferCall":    `{"remote_number": "+442079460009"}`,
	"consultTransferCall": `{"with_call_id": "$OTHER_CALL"}`,
	"parkCall":            `{"extension": "$EXTENSION"}`,
	"sendDigits":          `{"digits": "12#"}`,
	"startConference":     `{"call_ids": ["$CALL", "$OTHER_CALL"], "client_ref": "board"}`,
	"putWebhook":          `{"url": "$WEBHOOK_URL", "extended_events": true, "signing": "v1+v1a"}`,
	"patchWebhook":        `{"filter": {"states": ["active", "released"]}}`,
	"rotateSecret":        `{"overlap_seconds": 3600}`,
	"rotateSigningKey":    `{"overlap_seconds": 3600}`,
	"redeliverEvent":      `{"subscriber_id": "$SUBSCRIBER", "sequence_number": "1"}`,
	"startRedelivery":     `{"subscriber_id": "$SUBSCRIBER", "from_sequence": "1"}`,
}

// queries are what is asked for beside the path.
var queries = map[string]string{
	"listCallHistory": "?answered=true&limit=10",
	"listEvents":      "?limit=10",
	"listAttempts":    "?limit=10",
	"listStreams":     "?limit=10",
}

// once are the operations shown with an Idempotency-Key: what must not be done
// twice when an answer is lost.
var once = map[string]bool{"placeCall": true, "retrieveCall": true, "startConference": true}

// places are the parts of paths. {kind} is calls in all examples.
var places = map[string]string{
	"app_id": "APP", "call_id": "CALL", "subscriber_id": "SUBSCRIBER", "network_id": "NETWORK",
	"conference_id": "CONFERENCE", "task_id": "TASK",
}
