package simulator

import (
	"net/http"
	"slices"
	"time"
)

// phoneView is a phone with how it behaves now.
type phoneView struct {
	Phone
	Answer        string `json:"answer"`
	AnswerAfterMS int64  `json:"answer_after_ms"`
	FarEnd        string `json:"far_end"`
	FarEndAfterMS int64  `json:"far_end_after_ms"`
	Decline       string `json:"decline"`
	Recording     string `json:"recording"`
	HookStatus    string `json:"hook_status"`
	Calls         int    `json:"calls"`
	Dials         int64  `json:"dials"` // click-to-dial calls placed since the simulator started
}

var farEndWords = []string{"answer", "busy", "no_answer", "answer"}

func (p *phone) view() phoneView {
	v := phoneView{
		Phone: p.Phone, Answer: "auto", AnswerAfterMS: p.behave.answerAfter.Milliseconds(),
		FarEnd: farEndWords[p.behave.farEnd], FarEndAfterMS: p.behave.farEndAfter.Milliseconds(),
		Decline: declineWords[p.behave.decline], Recording: recordWords[p.behave.recording],
		HookStatus: hookNode(p).text, Calls: len(p.calls), Dials: p.dials,
	}
	if p.behave.answer == answerManual {
		v.Answer = "manual"
	}
	if p.behave.farEnd == farEndNoAnswer {
		v.FarEndAfterMS = p.behave.noAnswer.Milliseconds()
	}
	return v
}

func (s *Simulator) phoneViews() []phoneView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]phoneView, len(s.phones))
	for i, p := range s.phones {
		all[i] = p.view()
	}
	return all
}

// maxAfter bounds how long a phone can be told to take.
const maxAfter = time.Hour

// controlPhone reads a phone, or sets how it and its far ends behave from the
// next call on. What is not named stays as it is.
func (s *Simulator) controlPhone(id string, put *http.Request) (int, any, error) {
	var ask struct {
		Answer        *string `json:"answer"`
		AnswerAfterMS *int64  `json:"answer_after_ms"`
		FarEnd        *string `json:"far_end"`
		FarEndAfterMS *int64  `json:"far_end_after_ms"`
		Decline       *string `json:"decline"`
		Recording     *string `json:"recording"`
	}
	if put != nil {
		if err := readJSON(put, &ask); err != nil {
			return 0, nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.phoneOf(id)
	if p == nil {
		return 0, nil, notFound("subscriber")
	}
	b := p.behave
	if ask.Answer != nil {
		switch *ask.Answer {
		case "auto":
			b.answer = answerAuto
		case "manual":
			b.answer = answerManual
		default:
			return 0, nil, invalid("answer", `is "manual" or "auto"`)
		}
	}
	if ask.FarEnd != nil {
		i := slices.Index(farEndWords[:3], *ask.FarEnd)
		if i < 0 {
			return 0, nil, invalid("far_end", `is "answer", "busy" or "no_answer"`)
		}
		b.farEnd = farEndMode(i) // #nosec G115 -- an index of a short list
	}
	if ask.Decline != nil {
		i := slices.Index(declineWords, *ask.Decline)
		if i < 0 {
			return 0, nil, invalid("decline", `is "reject" or "voicemail"`)
		}
		b.decline = declineMode(i) // #nosec G115 -- an index of a short list
	}
	if ask.Recording != nil {
		i := slices.Index(recordWords, *ask.Recording)
		if i < 0 {
			return 0, nil, invalid("recording", `is "works", "fails" or "never"`)
		}
		b.recording = recordMode(i) // #nosec G115 -- an index of a short list
	}
	if ms := ask.AnswerAfterMS; ms != nil {
		if *ms < 0 || *ms > maxAfter.Milliseconds() {
			return 0, nil, invalid("answer_after_ms", "is between 0 and an hour")
		}
		b.answerAfter = time.Duration(*ms) * time.Millisecond
	}
	if ms := ask.FarEndAfterMS; ms != nil {
		if *ms < 0 || *ms > maxAfter.Milliseconds() {
			return 0, nil, invalid("far_end_after_ms", "is between 0 and an hour")
		}
		after := time.Duration(*ms) * time.Millisecond
		if b.farEnd == farEndNoAnswer {
			b.noAnswer = after // when the caller's switch gives up
		} else {
			b.farEndAfter = after
		}
	}
	p.behave = b
	return http.StatusOK, p.view(), nil
}
