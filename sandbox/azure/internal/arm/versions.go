package arm

import (
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// apiVersions are the versions that clients of each resource provider are known to send: those of azure-native
// 2.92.3, the SDKs, the CLI and azurerm. Azure refuses a version that a provider does not have, and so does the
// sandbox for the providers that it knows. They were looked up in Azure/azure-rest-api-specs on 2026-11-28, by a file
// of each version: all of Microsoft.MachineLearningServices (mfe.json) and of Microsoft.ManagedIdentity
// (ManagedIdentity.json; from 2025-05-31-preview on, its examples); of Microsoft.Authorization 2015-07-01,
// 2018-01-01-preview, 2020-03-01-preview to 2020-10-01-preview, 2022-04-01 and 2022-05-01-preview; of
// Microsoft.Storage 2023-05-01; of Microsoft.ContainerRegistry 2025-04-01 and 2025-11-01 (Registry/main.tsp). For the
// others the clients are the only source.
var apiVersions = map[string][]string{
	"microsoft.resources": {
		"2015-01-01", "2016-06-01", "2018-05-01", "2019-05-01", "2019-06-01", "2019-11-01", "2020-01-01",
		"2020-06-01", "2020-10-01",
		"2021-01-01", "2021-04-01", "2022-09-01", "2022-12-01", "2023-07-01", "2024-03-01", "2024-07-01",
		"2024-11-01", "2025-04-01",
	},
	"microsoft.management": {"2020-05-01", "2021-04-01", "2023-04-01"},
	"microsoft.authorization": {
		"2015-07-01", "2018-01-01-preview", "2018-07-01", "2020-03-01-preview", "2020-04-01-preview", "2020-08-01-preview",
		"2020-10-01", "2020-10-01-preview", "2022-04-01", "2022-05-01-preview", "2024-07-01-preview",
	},
	"microsoft.managedidentity": {"2018-11-30", "2022-01-31-preview", "2023-01-31", "2023-07-31-preview",
		"2024-11-30", "2025-01-31-preview", "2025-05-31-preview", "2026-04-30", "2026-05-31"},
	"microsoft.machinelearningservices": {
		"2022-05-01", "2022-10-01", "2023-04-01-preview", "2023-04-01", "2023-06-01-preview", "2023-08-01-preview",
		"2023-10-01", "2024-01-01-preview", "2024-04-01", "2024-07-01-preview", "2024-10-01", "2024-10-01-preview",
		"2025-01-01-preview", "2025-06-01", "2025-12-01",
	},
	"microsoft.storage": {
		"2021-09-01", "2022-05-01", "2022-09-01", "2023-01-01", "2023-04-01", "2023-05-01", "2024-01-01",
		"2025-01-01", "2025-06-01",
	},
	"microsoft.containerregistry": {"2022-12-01", "2023-07-01", "2025-04-01", "2025-11-01"},
	"microsoft.keyvault":          {"2022-07-01", "2023-02-01", "2023-07-01", "2024-11-01"},
	"microsoft.datafactory":       {"2018-06-01"},
	"microsoft.web":               {"2022-03-01", "2022-09-01", "2023-01-01", "2023-12-01", "2024-04-01", "2024-11-01"},
	"microsoft.compute":           {"2022-11-01", "2023-03-01", "2023-09-01", "2024-03-01", "2024-07-01", "2024-11-01"},
}

// typeVersions are those of types that have fewer than their provider (Azure/azure-rest-api-specs: the folders with
// authorization-DenyAssignmentCalls.json, with RoleEligibilityScheduleInstance.json and with
// DenyAssignments of 2024-07-01-preview).
var typeVersions = map[string][]string{
	strings.ToLower(typeDenyAssignment): {"2018-07-01-preview", "2022-04-01", "2024-07-01-preview"},
	strings.ToLower(typeEligible):       {"2020-10-01-preview", "2020-10-01"},
}

func checkVersion(r *http.Request, id armid.ID) error {
	provider, _, _ := strings.Cut(id.Type(), "/")
	known, served := apiVersions[strings.ToLower(provider)]
	if own := typeVersions[strings.ToLower(id.Type())]; own != nil {
		known = own
	}
	switch version := r.URL.Query().Get("api-version"); {
	case version == "":
		return wire.Errorf(http.StatusBadRequest, "MissingApiVersionParameter",
			"the query parameter api-version is required, such as api-version=2022-04-01")
	case !served:
		return wire.Errorf(http.StatusNotFound, "InvalidResourceNamespace",
			"the resource namespace %q is invalid: the sandbox serves no resource provider of that name", provider)
	case !slices.Contains(known, version):
		return wire.Errorf(http.StatusBadRequest, "InvalidApiVersionParameter",
			"the api-version %q is invalid for %s; the versions that the sandbox knows are %s", version, id.Type(),
			strings.Join(known, ", "))
	}
	return nil
}
