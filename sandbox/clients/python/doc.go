// Package python holds tests that run the clients of the article's readers, unmodified, against the sandbox: the
// Azure CLI and the Azure Machine Learning SDK for Python, in the versions of requirements.txt. They are pointed at
// the sandbox by settings that they document: a registered cloud or ARM_CLOUD_METADATA_URL, and a bundle of
// certificates. Nothing else is reached: a proxy that the tests own counts what would leave the machine. Nothing is
// exported.
package python
