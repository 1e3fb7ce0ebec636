// Follows the calls of an app, and goes on where it was when it is cut off.
//
//	OFFHOOK_EVENTS=http://127.0.0.1:8080/apps/…/events/stream OFFHOOK_KEY=ok_live_… go run main.go
package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	for last := ""; ; time.Sleep(2 * time.Second) {
		last = follow(last)
	}
}

// follow prints events until the stream ends and returns the id of the last
// one. Keep it with what you made of the event, to go on there after a restart.
func follow(last string) string {
	req, err := http.NewRequest(http.MethodGet, os.Getenv("OFFHOOK_EVENTS"), nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("OFFHOOK_KEY"))
	req.Header.Set("Last-Event-ID", last)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Print(err)
		return last
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		log.Print("refused: ", resp.Status)
		return last
	}
	var kind, data, id string
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return last // what is not finished does not count
		}
		switch field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); {
		case line == "\n": // the end of one event, or of a sign of life
			if data != "" {
				fmt.Println(kind, data)
			}
			if id != "" {
				last = id
			}
			kind, data, id = "", "", ""
		case field == "event":
			kind = value
		case field == "data":
			data = value
		case field == "id":
			id = value
		}
	}
}
