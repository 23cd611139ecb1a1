package azure

// A DataStore is the workspace's answer about a data store.
type DataStore struct {
	Name       string `json:"name"`
	Properties struct {
		Type       string `json:"datastoreType"` // AzureBlob, AzureDataLakeGen2 and others
		Account    string `json:"accountName"`
		Container  string `json:"containerName"` // of Blob storage
		FileSystem string `json:"filesystem"`    // of Data Lake
		// Of the account, if the store says so.
		SubscriptionID string `json:"subscriptionId"`
		ResourceGroup  string `json:"resourceGroup"`
		Credentials    struct {
			Type string `json:"credentialsType"` // None, AccountKey, Sas, ServicePrincipal, Certificate; "" if not given
		} `json:"credentials"`
	} `json:"properties"`
}

// Container returns the name of its container or file system; "" if the store has none.
func (s DataStore) Container() string { return s.Properties.Container + s.Properties.FileSystem }

// AccountID returns the ARM ID of its account; "" if the store does not give all parts.
func (s DataStore) AccountID() string {
	p := s.Properties
	if p.SubscriptionID == "" || p.ResourceGroup == "" || p.Account == "" {
		return ""
	}
	return "/subscriptions/" + p.SubscriptionID + "/resourceGroups/" + p.ResourceGroup +
		"/providers/Microsoft.Storage/storageAccounts/" + p.Account
}
