package simulator

import (
	"slices"

	"offhook/provider/simulator/oci"
)

// ociFaultKinds are what goes wrong with provisioning. Nothing of the Xsi side
// notices them; one that names an XSP or a subscriber never strikes.
var ociFaultKinds = []string{
	string(oci.Down), string(oci.DropAnswer), string(oci.SlowAnswer), string(oci.ListError),
	string(oci.DropFeed), string(oci.SilentFeed), string(oci.LoseReport), string(oci.DoubleReport),
	string(oci.DelayReport), string(oci.SplitReport), string(oci.GarbageReport),
}

// OCIFaultKinds are the names of all that can go wrong with provisioning.
func OCIFaultKinds() []string { return slices.Clone(ociFaultKinds) }

func knownFault(kind string) bool {
	return slices.Contains(faultKinds, kind) || slices.Contains(ociFaultKinds, kind)
}

// strikeOCI does what a fault of provisioning does at once; while it is in
// force it goes for connections made later too.
func (s *Simulator) strikeOCI(f *fault) {
	switch oci.Fault(f.kind) {
	case oci.Down, oci.DropFeed, oci.SilentFeed:
		if !s.rnd.chance(f.probability) {
			return
		}
	}
	switch oci.Fault(f.kind) {
	case oci.Down:
		s.oci.Drop()
	case oci.DropFeed:
		s.oci.DropFeeds()
	case oci.SilentFeed:
		s.oci.Silence()
	}
}
