package roles

// What reading and writing blobs take of the identity that does it (Storage Blob Data Reader, …Contributor).
const (
	ReadContainers = storageAccounts + "blobServices/containers/read"
	ReadBlobs      = storageAccounts + "blobServices/containers/blobs/read"
	WriteBlobs     = storageAccounts + "blobServices/containers/blobs/write"
)
