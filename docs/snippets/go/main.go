// A receiver for the webhooks of offhook.
//
//	OFFHOOK_WEBHOOK_SECRET=whsec_… PORT=9000 go run main.go
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type event struct {
	AppID          string `json:"app_id"`
	SubscriberID   string `json:"subscriber_id"`
	CallID         string `json:"call_id"`
	SequenceNumber string `json:"sequence_number"`
	Direction      string `json:"direction"`
	State          string `json:"state"`
	Type           string `json:"type"`
	Challenge      string `json:"challenge"`
}

// last has the highest number taken of each stream. Keep it in your database,
// and write it in one transaction with what you do about the event.
var (
	mu   sync.Mutex
	last = map[[2]string]uint64{}
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready http://" + listener.Addr().String())
	server := &http.Server{Handler: http.HandlerFunc(receive), ReadTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}

func receive(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !verified(r.Header, body) {
		fmt.Println("refused")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !bytes.HasPrefix(body, []byte("[")) { // an array in batch mode
		body = []byte("[" + string(body) + "]")
	}
	var events []event
	if err := json.Unmarshal(body, &events); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, e := range events {
		if e.Type == "webhook.challenge" { // asks whether this URL is ours; comes alone
			fmt.Fprint(w, e.Challenge)
			return
		}
		take(e)
	}
	w.WriteHeader(http.StatusOK) // whatever takes long comes after this
}

// verified checks the signature over the bytes as they came, with each secret
// there is: while you change secrets there are two, separated by a space.
func verified(h http.Header, body []byte) bool {
	id, timestamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	for _, secret := range strings.Fields(os.Getenv("OFFHOOK_WEBHOOK_SECRET")) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			continue
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, signature := range strings.Fields(h.Get("webhook-signature")) {
			if hmac.Equal([]byte(signature), []byte(want)) {
				return true
			}
		}
	}
	return false
}

// take does something about an event, once.
func take(e event) {
	n, err := strconv.ParseUint(e.SequenceNumber, 10, 64)
	if err != nil { // the subscriber webhook has no numbers, nor has a test event
		fmt.Println(e.Type, e.SubscriberID)
		return
	}
	mu.Lock()
	defer mu.Unlock()
	stream := [2]string{e.AppID, e.SubscriberID}
	before := last[stream]
	if n <= before {
		fmt.Printf("%s #%d again, ignored\n", e.SubscriberID, n)
		return
	}
	if before > 0 && n > before+1 {
		fmt.Printf("%s #%d to #%d missing\n", e.SubscriberID, before+1, n-1)
	}
	last[stream] = n
	fmt.Printf("%s #%d %s %s %s\n", e.SubscriberID, n, e.Direction, e.State, e.CallID)
}
