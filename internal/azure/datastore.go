package azure

// A DataStore is what a workspace says of one.
type DataStore struct {
	Name       string `json:"name"`
	Properties struct {
		Type       string `json:"datastoreType"` // AzureBlob, AzureDataLakeGen2 and others
		Account    string `json:"accountName"`
		Container  string `json:"containerName"` // of Blob storage
		FileSystem string `json:"filesystem"`    // of Data Lake
		// Of the account, where the store says so.
		SubscriptionID string `json:"subscriptionId"`
		ResourceGroup  string `json:"resourceGroup"`
		Credentials    struct {
			Type string `json:"credentialsType"` // None, AccountKey, Sas, ServicePrincipal, Certificate; "" where it is not said
		} `json:"credentials"`
	} `json:"properties"`
}

// Container is the name of its container, or file system; "" where the store names none.
func (s DataStore) Container() string { return s.Properties.Container + s.Properties.FileSystem }

// AccountID is the ARM ID of its account; "" where the store does not say all of it.
func (s DataStore) AccountID() string {
	p := s.Properties
	if p.SubscriptionID == "" || p.ResourceGroup == "" || p.Account == "" {
		return ""
	}
	return "/subscriptions/" + p.SubscriptionID + "/resourceGroups/" + p.ResourceGroup +
		"/providers/Microsoft.Storage/storageAccounts/" + p.Account
}
