package broadworks

import (
	"strconv"

	"offhook/provider"
)

// directoryDoc is one page of a directory.
type directoryDoc struct {
	start, total int64
	listed       int64 // elements, people or not: what paging counts
	entries      []provider.Entry
}

// decodeDirectory reads a page. One that does not say how much there is in
// all, or holds less than it says, is not understood: it could look like the
// end.
func decodeDirectory(body []byte, list, countryCode string) (*directoryDoc, bool) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	doc := &directoryDoc{start: -1, total: -1}
	records := int64(-1)
	element := map[string]string{"Enterprise": "enterpriseDirectory", "Group": "groupDirectory"}[list]
	ok := d.rooted(body, list, func() error {
		switch string(d.local) {
		case "startIndex":
			return d.count(&doc.start)
		case "numberOfRecords":
			return d.count(&records)
		case "totalAvailableRecords":
			return d.count(&doc.total)
		case element:
			return d.children(func() error {
				if string(d.local) != "directoryDetails" {
					return d.skip()
				}
				doc.listed++
				e, err := d.entry(countryCode)
				doc.entries = append(doc.entries, e)
				return err
			})
		}
		return d.skip()
	})
	return doc, ok && doc.start >= 0 && doc.total >= 0 && (records < 0 || records == doc.listed)
}

// decodeProfile reads a user's profile.
func decodeProfile(body []byte, countryCode string) (e provider.Entry, ok bool) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	ok = d.rooted(body, "Profile", func() (err error) {
		if string(d.local) != "details" {
			return d.skip()
		}
		e, err = d.entry(countryCode)
		return err
	})
	return e, ok && e.User != ""
}

// rooted reads a document whose root has a name, and calls fn for each child.
func (d *decoder) rooted(body []byte, root string, fn func() error) bool {
	d.keep = d.keep[:0]
	if d.reset(body) != nil {
		return false
	}
	found, err := d.child()
	if err != nil || !found || d.space != spaceXsi || string(d.local) != root {
		return false
	}
	return d.children(fn) == nil
}

// entry reads the element of a person.
func (d *decoder) entry(countryCode string) (e provider.Entry, err error) {
	fields := map[string]*string{
		"userId": &e.User, "firstName": &e.FirstName, "lastName": &e.LastName, "serviceProvider": &e.ServiceProvider,
		"groupId": &e.Group, "number": &e.Number, "extension": &e.Extension, "department": &e.Department,
	}
	read := func() error {
		to := fields[string(d.local)]
		if to == nil {
			return d.skip()
		}
		text, err := d.word()
		*to = string(text)
		return err
	}
	err = d.children(func() error {
		if string(d.local) == "additionalDetails" {
			return d.children(read)
		}
		return read()
	})
	// +1-2401003211: country code, dash (dossier §1.7).
	if number, ok := appendE164(nil, []byte(e.Number), nil, countryCode); ok {
		e.Number = string(number)
	}
	return e, err
}

// count reads a whole number that must be one.
func (d *decoder) count(to *int64) error {
	b, err := d.word()
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(b), 10, 31)
	if err != nil {
		return errSyntax
	}
	*to = int64(n)
	return nil
}
