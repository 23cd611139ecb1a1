package components

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// regions are the regions of all clouds in public lists of 2026 (claranet/terraform-azurerm-regions, REGIONS.md, and
// others; facts/federation.md for malaysiasouth). Azure adds new ones, so an unknown name is no error.
var regions = strings.Fields(`
australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth
brazilsoutheast canadacentral canadaeast centralindia centralus chilecentral denmarkeast eastasia eastus eastus2
eastus3 francecentral francesouth germanynorth germanywestcentral indonesiacentral israelcentral israelnorthwest
italynorth japaneast japanwest jioindiacentral jioindiawest koreacentral koreasouth malaysiasouth malaysiawest
mexicocentral newzealandnorth northcentralus northeurope norwayeast norwaywest polandcentral qatarcentral
southafricanorth southafricawest southcentralus southcentralus2 southeastasia southeastus southeastus3 southindia
spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest taiwannorth taiwannorthwest uaecentral uaenorth
uksouth ukwest westcentralus westeurope westindia westus westus2 westus3
centraluseuap eastus2euap
usdodcentral usdodeast usgovarizona usgovtexas usgovvirginia usgoviowa
chinaeast chinaeast2 chinaeast3 chinanorth chinanorth2 chinanorth3
usnateast usnatwest usseceast ussecwest`)

// warnOfRegion warns of an unknown region, about which Azure decides.
func warnOfRegion(path string, location pulumi.StringPtrInput) (ps access.Problems) {
	region, known := plain(location)
	if !known || region == "" || slices.ContainsFunc(regions, func(r string) bool { return sameRegion(r, region) }) {
		return nil
	}
	ps.Warn("", path, nearest(region)+"check that Azure has it (az account list-locations)",
		"%q is no region that is known here, so Azure decides", region)
	return ps
}

// nearest begins a remedy with the region that was probably meant.
func nearest(region string) string {
	said, _, found := strings.Cut(problem.DidYouMean(strings.ToLower(strings.ReplaceAll(region, " ", "")), regions), "?")
	if !found {
		return ""
	}
	return said + "? "
}
