package components

import (
	"regexp"

	"github.com/batchaccess/batchaccess/access"
)

// retirements are the node sizes that Azure has retired or will retire (facts/compute-clusters.md, Size). Azure decides
// about any other size.
var retirements = []struct {
	series string
	sizes  *regexp.Regexp
	when   string
}{
	{"Dv2 and Dsv2", sizes(`DS?\d+(-\d+)?i?_v2(_promo)?`), "2028-05-01"},
	{"Av2", sizes(`A\d+m?_v2`), "2028-11-15"},
	{"Bv1", sizes(`B\d+(-\d+)?(ls|s|ms)`), "2028-11-15"},
	{"F, Fs and Fsv2", sizes(`F\d+(-\d+)?(s|s_v2)?`), "2028-11-15"},
	{"NVv3 and NVv4", sizes(`NV\d+(s_v3|as_v4)`), "2026-09-30"},
	{"NCv3", sizes(`NC\d+r?s_v3`), "2025-09-30"},
	{"NC, NCv2, ND and NV", sizes(`(NC\d+r?(s_v2)?(_promo)?|ND\d+r?s|NV\d+(_promo)?)`), "2023"},
	{"Av1 and HB", sizes(`(A\d+|HB\d+(-\d+)?rs)`), "2024"},
}

func sizes(form string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(standard|basic)_` + form + `$`)
}

// sizeForm matches names of sizes: the letters of the series, a number, further features, and the version
// (learn.microsoft.com/azure/virtual-machines/vm-naming-conventions), with the series of 2026.
var sizeForm = sizes(`(A|B|D|DC|E|EC|EB|F|FX|G|GS|H|HB|HC|HX|L|LS|M|NC|NCC|ND|NG|NM|NP|NV|DS|FS)\d+[-\w]*`)

// warnOfSize warns of a size that is retired or will be: then the cluster gets no nodes. It also warns of an unknown
// size, which may be a new one.
func warnOfSize(size string) (ps access.Problems) {
	for _, r := range retirements {
		if r.sizes.MatchString(size) {
			ps.Warn("", "vmSize", "choose a newer size, such as Standard_D4ds_v5; a change of it replaces the cluster",
				"%s is one of the %s sizes, whose retirement Azure has set for %s", size, r.series, r.when)
		}
	}
	if !sizeForm.MatchString(size) {
		ps.Warn("", "vmSize", "check that Azure has it (az vm list-sizes --location <region>); Standard_D4ds_v5 is one",
			"%q is no size that is known here, so Azure decides", size)
	}
	return ps
}
