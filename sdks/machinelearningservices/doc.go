// Package machinelearningservices is the part of azure-native's module of that name that batchaccess uses,
// generated from a schema of its own because the module proxy does not carry the real SDK. Tokens, properties and
// version are the real ones, so the real plugin serves it. Left out: every kind of compute but AmlCompute, the
// types behind the unions of data stores, data assets and models (they arrive as maps), what getWorkspace tells of
// encryption, notebooks and private links, and the provider resource.
package machinelearningservices
