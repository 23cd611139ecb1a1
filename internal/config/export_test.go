package config

// Keys returns the keys that a configuration may have at the top.
var Keys = topKeys

// ReadStackText is ReadStack on the text of a Pulumi.<stack>.yaml, for fuzzing.
func ReadStackText(text []byte, file, project string) (map[string]any, error) {
	s, err := parseSettings(text, file)
	return ofProject(project, s.Config), err
}
