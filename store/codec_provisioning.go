package store

import (
	"encoding/binary"
	"time"

	"offhook/engine/tenant"
)

func appendProvisioning(b []byte, p *tenant.Provisioning) []byte {
	for _, s := range []string{
		p.Source, p.SubscriberID, p.AccountID, p.OCI.Address, p.OCI.CAFile, p.OCI.Username, p.OCI.Password, p.OCI.ReportingAddress,
	} {
		b = appendString(b, s)
	}
	b = binary.AppendVarint(b, int64(p.Every))
	b = binary.AppendVarint(b, int64(p.MaxDeleteShare))
	b = appendFlags(b, p.OCI.TLS, p.OCI.ReportingTLS, true) // records of before had no more of OCI
	for _, s := range []string{p.OCI.Login, p.OCI.Lists, p.OCI.UserRelease, p.OCI.ReportingCAFile} {
		b = appendString(b, s)
	}
	b = binary.AppendVarint(b, int64(p.OCI.PageSize))
	b = binary.AppendVarint(b, int64(p.OCI.ReportingSilence))
	b = binary.AppendUvarint(b, uint64(len(p.OCI.NotFoundCodes)))
	for _, code := range p.OCI.NotFoundCodes {
		b = binary.AppendVarint(b, int64(code))
	}
	b = binary.AppendUvarint(b, uint64(len(p.Directory)))
	for _, d := range p.Directory {
		b = appendFlags(appendString(b, d.User), d.Group)
	}
	b = appendTargets(b, p.OCI.Targets)
	b = binary.AppendUvarint(b, uint64(len(p.Rules)))
	for i := range p.Rules {
		m := &p.Rules[i].Match
		for _, s := range []string{m.ServiceProvider, m.Group, m.Department, m.NumberPrefix, m.UserSuffix} {
			b = appendString(b, s)
		}
		b = appendList(b, p.Rules[i].Apps)
	}
	return b
}

func (d *decoder) provisioning(p *tenant.Provisioning) {
	for _, s := range []*string{
		&p.Source, &p.SubscriberID, &p.AccountID, &p.OCI.Address, &p.OCI.CAFile, &p.OCI.Username, &p.OCI.Password, &p.OCI.ReportingAddress,
	} {
		*s = d.string()
	}
	p.Every, p.MaxDeleteShare = time.Duration(d.int()), int(d.int())
	var more bool
	d.flags(&p.OCI.TLS, &p.OCI.ReportingTLS, &more)
	if more {
		for _, s := range []*string{&p.OCI.Login, &p.OCI.Lists, &p.OCI.UserRelease, &p.OCI.ReportingCAFile} {
			*s = d.string()
		}
		p.OCI.PageSize, p.OCI.ReportingSilence = int(d.int()), time.Duration(d.int())
		for range d.count(1) {
			p.OCI.NotFoundCodes = append(p.OCI.NotFoundCodes, int(d.int()))
		}
	}
	if n := d.count(2); n > 0 {
		p.Directory = make([]tenant.Directory, n)
		for i := range p.Directory {
			p.Directory[i].User = d.string()
			d.flags(&p.Directory[i].Group)
		}
	}
	p.OCI.Targets = d.targets()
	if n := d.count(6); n > 0 {
		p.Rules = make([]tenant.ProvisioningRule, n)
		for i := range p.Rules {
			m := &p.Rules[i].Match
			for _, s := range []*string{&m.ServiceProvider, &m.Group, &m.Department, &m.NumberPrefix, &m.UserSuffix} {
				*s = d.string()
			}
			p.Rules[i].Apps = list[string](d)
		}
	}
}
