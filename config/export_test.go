package config

// ReadStackText is ReadStack on a text, for fuzzing.
var ReadStackText = parseStack
