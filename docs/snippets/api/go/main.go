// Each operation of the Calls API in Go. Run one:
//
//	API=http://127.0.0.1:8080 APP=… KEY=… SUBSCRIBER=alice@demo.example NUMBER=+1… ONCE=a1 go run main.go placeCall
//
// The names in capitals are from the environment.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

type object = map[string]any

// part is a value from the environment as a part of a path.
func part(name string) string { return url.PathEscape(os.Getenv(name)) }

// request is a request with the app's key.
func request(method, path string, body any, headers ...string) (*http.Request, error) {
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequest(method, os.Getenv("API")+path, &text)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("KEY"))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r, nil
}

// ask prints what is answered. A refusal is an error.
func ask(method, path string, body any, headers ...string) error {
	r, err := request(method, path, body, headers...)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: time.Minute}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	fmt.Println(string(text))
	return nil
}

// follow prints a stream line by line, for as long as it lasts.
func follow(path string) error {
	r, err := request("GET", path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s", answer.Status)
	}
	lines := bufio.NewReader(answer.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		fmt.Print(line)
	}
}

// The operations.

// listCalls: list live calls
func listCalls() error {
	return ask("GET", "/apps/"+part("APP")+"/calls", nil)
}

// placeCall: place a call
func placeCall() error {
	return ask("POST", "/apps/"+part("APP")+"/calls", object{"subscriber_id": os.Getenv("SUBSCRIBER"), "subscriber_number": os.Getenv("NUMBER"), "remote_number": "+442079460018"}, "Idempotency-Key", os.Getenv("ONCE"))
}

// retrieveCall: take back a parked call
func retrieveCall() error {
	return ask("POST", "/apps/"+part("APP")+"/calls/retrieve", object{"subscriber_id": os.Getenv("SUBSCRIBER"), "subscriber_number": os.Getenv("NUMBER"), "extension": os.Getenv("EXTENSION")}, "Idempotency-Key", os.Getenv("ONCE"))
}

// getCall: read a call
func getCall() error {
	return ask("GET", "/apps/"+part("APP")+"/calls/"+part("CALL"), nil)
}

// endCall: end a call
func endCall() error {
	return ask("DELETE", "/apps/"+part("APP")+"/calls/"+part("CALL"), nil)
}

// answerCall: answer a ringing call
func answerCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/answer", nil)
}

// declineCall: decline a ringing call
func declineCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/decline", nil)
}

// holdCall: put an active call on hold
func holdCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/hold", nil)
}

// resumeCall: make a held call active again
func resumeCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/resume", nil)
}

// reconnectCall: take back a held call and end all others
func reconnectCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/reconnect", nil)
}

// divertCall: send a ringing call elsewhere
func divertCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/divert", object{"remote_number": "+442079460009"})
}

// transferCall: transfer a call
func transferCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/transfer", object{"remote_number": "+442079460009"})
}

// muteTransferCall: transfer a call, muted
func muteTransferCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/mute-transfer", object{"remote_number": "+442079460009"})
}

// consultTransferCall: join the far ends of two calls
func consultTransferCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/consult-transfer", object{"with_call_id": os.Getenv("OTHER_CALL")})
}

// parkCall: park a call
func parkCall() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/park", object{"extension": os.Getenv("EXTENSION")})
}

// sendDigits: send digits to the far end
func sendDigits() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/dtmf", object{"digits": "12#"})
}

// startRecording: record a call
func startRecording() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/recording/start", nil)
}

// pauseRecording: pause the recording
func pauseRecording() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/recording/pause", nil)
}

// resumeRecording: go on with the recording
func resumeRecording() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/recording/resume", nil)
}

// stopRecording: end the recording
func stopRecording() error {
	return ask("PUT", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/recording/stop", nil)
}

// getTimeline: what happened to a call, step by step
func getTimeline() error {
	return ask("GET", "/apps/"+part("APP")+"/calls/"+part("CALL")+"/timeline", nil)
}

// listCallHistory: calls that are over
func listCallHistory() error {
	return ask("GET", "/apps/"+part("APP")+"/call-history?answered=true&limit=10", nil)
}

// listConferences: list live conferences
func listConferences() error {
	return ask("GET", "/apps/"+part("APP")+"/conferences", nil)
}

// startConference: join calls
func startConference() error {
	return ask("POST", "/apps/"+part("APP")+"/conferences", object{"call_ids": []string{os.Getenv("CALL"), os.Getenv("OTHER_CALL")}, "client_ref": "board"}, "Idempotency-Key", os.Getenv("ONCE"))
}

// getConference: read a conference
func getConference() error {
	return ask("GET", "/apps/"+part("APP")+"/conferences/"+part("CONFERENCE"), nil)
}

// endConference: end a conference and the calls in it
func endConference() error {
	return ask("DELETE", "/apps/"+part("APP")+"/conferences/"+part("CONFERENCE"), nil)
}

// muteParticipant: mute a participant
func muteParticipant() error {
	return ask("PUT", "/apps/"+part("APP")+"/conferences/"+part("CONFERENCE")+"/participants/"+part("CALL")+"/mute", nil)
}

// unmuteParticipant: end that he is muted
func unmuteParticipant() error {
	return ask("PUT", "/apps/"+part("APP")+"/conferences/"+part("CONFERENCE")+"/participants/"+part("CALL")+"/unmute", nil)
}

// deafenParticipant: have a participant not hear
func deafenParticipant() error {
	return ask("PUT", "/apps/"+part("APP")+"/conferences/"+part("CONFERENCE")+"/participants/"+part("CALL")+"/deaf", nil)
}

// undeafenParticipant: have him hear again
func undeafenParticipant() error {
	return ask("PUT", "/apps/"+part("APP")+"/conferences/"+part("CONFERENCE")+"/participants/"+part("CALL")+"/undeaf", nil)
}

// listSubscribers: list your subscribers
func listSubscribers() error {
	return ask("GET", "/apps/"+part("APP")+"/subscribers", nil)
}

// getSubscriber: read a subscriber
func getSubscriber() error {
	return ask("GET", "/apps/"+part("APP")+"/subscribers/"+part("SUBSCRIBER"), nil)
}

// listSubscriberCalls: list the live calls of one subscriber
func listSubscriberCalls() error {
	return ask("GET", "/apps/"+part("APP")+"/subscribers/"+part("SUBSCRIBER")+"/calls", nil)
}

// listNetworks: list the networks of your subscribers
func listNetworks() error {
	return ask("GET", "/apps/"+part("APP")+"/networks", nil)
}

// getNetwork: what a network can do
func getNetwork() error {
	return ask("GET", "/apps/"+part("APP")+"/networks/"+part("NETWORK"), nil)
}

// listEvents: read the event log
func listEvents() error {
	return ask("GET", "/apps/"+part("APP")+"/events?limit=10", nil)
}

// streamEvents: follow events live
func streamEvents() error { return follow("/apps/" + part("APP") + "/events/stream") }

// listWebhooks: all webhooks that are set
func listWebhooks() error {
	return ask("GET", "/apps/"+part("APP")+"/webhooks", nil)
}

// getWebhook: read a webhook and how its delivery goes
func getWebhook() error {
	return ask("GET", "/apps/"+part("APP")+"/webhooks/calls", nil)
}

// putWebhook: set a webhook
func putWebhook() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls", object{"url": os.Getenv("WEBHOOK_URL"), "extended_events": true, "signing": "v1+v1a"})
}

// patchWebhook: change a webhook
func patchWebhook() error {
	return ask("PATCH", "/apps/"+part("APP")+"/webhooks/calls", object{"filter": object{"states": []string{"active", "released"}}})
}

// deleteWebhook: remove a webhook
func deleteWebhook() error {
	return ask("DELETE", "/apps/"+part("APP")+"/webhooks/calls", nil)
}

// rotateSecret: get a new secret
func rotateSecret() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/rotate-secret", object{"overlap_seconds": 3600})
}

// rotateSigningKey: get a new signing key
func rotateSigningKey() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/rotate-signing-key", object{"overlap_seconds": 3600})
}

// testWebhook: send one event now
func testWebhook() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/test", nil)
}

// pauseWebhook: keep events waiting
func pauseWebhook() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/pause", nil)
}

// resumeWebhook: let a webhook go on
func resumeWebhook() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/resume", nil)
}

// listStreams: subscribers with something undelivered
func listStreams() error {
	return ask("GET", "/apps/"+part("APP")+"/webhooks/calls/streams?limit=10", nil)
}

// pauseStream: keep the events of one subscriber waiting
func pauseStream() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/streams/"+part("SUBSCRIBER")+"/pause", nil)
}

// resumeStream: let the events of one subscriber go on
func resumeStream() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/streams/"+part("SUBSCRIBER")+"/resume", nil)
}

// listAttempts: what was tried
func listAttempts() error {
	return ask("GET", "/apps/"+part("APP")+"/webhooks/calls/attempts?limit=10", nil)
}

// redeliverEvent: send one event again, now
func redeliverEvent() error {
	return ask("PUT", "/apps/"+part("APP")+"/webhooks/calls/redeliver", object{"subscriber_id": os.Getenv("SUBSCRIBER"), "sequence_number": "1"})
}

// listRedeliveries: list redelivery tasks
func listRedeliveries() error {
	return ask("GET", "/apps/"+part("APP")+"/webhooks/calls/redeliveries", nil)
}

// startRedelivery: send many events again
func startRedelivery() error {
	return ask("POST", "/apps/"+part("APP")+"/webhooks/calls/redeliveries", object{"subscriber_id": os.Getenv("SUBSCRIBER"), "from_sequence": "1"})
}

// getRedelivery: read a task
func getRedelivery() error {
	return ask("GET", "/apps/"+part("APP")+"/webhooks/calls/redeliveries/"+part("TASK"), nil)
}

// cancelRedelivery: cancel a task
func cancelRedelivery() error {
	return ask("DELETE", "/apps/"+part("APP")+"/webhooks/calls/redeliveries/"+part("TASK"), nil)
}

// getDocument: this document
func getDocument() error {
	return ask("GET", "/openapi.yaml", nil)
}

// getReference: this document, as a page to read
func getReference() error {
	return ask("GET", "/reference", nil)
}

var operations = map[string]func() error{
	"listCalls":           listCalls,
	"placeCall":           placeCall,
	"retrieveCall":        retrieveCall,
	"getCall":             getCall,
	"endCall":             endCall,
	"answerCall":          answerCall,
	"declineCall":         declineCall,
	"holdCall":            holdCall,
	"resumeCall":          resumeCall,
	"reconnectCall":       reconnectCall,
	"divertCall":          divertCall,
	"transferCall":        transferCall,
	"muteTransferCall":    muteTransferCall,
	"consultTransferCall": consultTransferCall,
	"parkCall":            parkCall,
	"sendDigits":          sendDigits,
	"startRecording":      startRecording,
	"pauseRecording":      pauseRecording,
	"resumeRecording":     resumeRecording,
	"stopRecording":       stopRecording,
	"getTimeline":         getTimeline,
	"listCallHistory":     listCallHistory,
	"listConferences":     listConferences,
	"startConference":     startConference,
	"getConference":       getConference,
	"endConference":       endConference,
	"muteParticipant":     muteParticipant,
	"unmuteParticipant":   unmuteParticipant,
	"deafenParticipant":   deafenParticipant,
	"undeafenParticipant": undeafenParticipant,
	"listSubscribers":     listSubscribers,
	"getSubscriber":       getSubscriber,
	"listSubscriberCalls": listSubscriberCalls,
	"listNetworks":        listNetworks,
	"getNetwork":          getNetwork,
	"listEvents":          listEvents,
	"streamEvents":        streamEvents,
	"listWebhooks":        listWebhooks,
	"getWebhook":          getWebhook,
	"putWebhook":          putWebhook,
	"patchWebhook":        patchWebhook,
	"deleteWebhook":       deleteWebhook,
	"rotateSecret":        rotateSecret,
	"rotateSigningKey":    rotateSigningKey,
	"testWebhook":         testWebhook,
	"pauseWebhook":        pauseWebhook,
	"resumeWebhook":       resumeWebhook,
	"listStreams":         listStreams,
	"pauseStream":         pauseStream,
	"resumeStream":        resumeStream,
	"listAttempts":        listAttempts,
	"redeliverEvent":      redeliverEvent,
	"listRedeliveries":    listRedeliveries,
	"startRedelivery":     startRedelivery,
	"getRedelivery":       getRedelivery,
	"cancelRedelivery":    cancelRedelivery,
	"getDocument":         getDocument,
	"getReference":        getReference,
}

// The end of the operations.

func main() {
	if len(os.Args) != 2 || operations[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "give the name of one operation")
		os.Exit(2)
	}
	if err := operations[os.Args[1]](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
