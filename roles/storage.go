package roles

// The data actions that an identity needs to read and write blobs (Storage Blob Data Reader, …Contributor).
const (
	ReadContainers = storageAccounts + "blobServices/containers/read"
	ReadBlobs      = storageAccounts + "blobServices/containers/blobs/read"
	WriteBlobs     = storageAccounts + "blobServices/containers/blobs/write"
)

// StorageBlobPathWriter is the name of the role for those who write below a path.
const StorageBlobPathWriter = "Storage Blob Path Writer"

// OfStorage returns the role of a grant in storage by its name: a built-in one, or PathWriter.
func OfStorage(name string) Definition {
	if name == StorageBlobPathWriter {
		return PathWriter()
	}
	d, _ := BuiltIn(name)
	return d
}

// OfStores returns the built-in roles, beside those for blobs, that a workspace's own stores need if identities open
// them (facts/batch-endpoints.md).
func OfStores() []string {
	return []string{StorageFileDataPrivilegedContributor, StorageTableDataContributor, StorageQueueDataContributor}
}

// PathWriter returns the custom role for those who write below a path, with data actions alone: Storage Blob Data
// Contributor may also delete the container, which no condition prevents (facts/conditions.md, "Writing below the
// prefix").
func PathWriter() Definition {
	const blobs = storageAccounts + "blobServices/containers/blobs/"
	return Definition{
		RoleName:    StorageBlobPathWriter,
		Description: "Reads, writes, moves and deletes blobs, below the paths that the condition of each assignment names.",
		Permissions: Permissions{{DataActions: []string{
			ReadBlobs, WriteBlobs, blobs + "add/action", blobs + "delete", blobs + "move/action"}}},
	}
}
