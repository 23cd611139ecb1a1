package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// source is what the types do not tell at run time, by the name of the type.
type source struct {
	types  map[string]string            // doc comments
	fields map[string]map[string]string // doc comments by type and field
	values map[string][]value           // the constants of a type
	names  map[string]string            // how Go calls a property: how the schema does
}

// A value is a constant that a property may have.
type value struct{ name, value, doc string }

// readSource reads the packages in the folders. No two of them declare a type of the same name that the schema holds.
func readSource(folders ...string) (*source, error) {
	s := &source{map[string]string{}, map[string]map[string]string{}, map[string][]value{}, map[string]string{}}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("reading the source in %s: no Go files; give the root of the repository (%w)", folder, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return nil, fmt.Errorf("reading the source: %w", err)
			}
			for _, d := range file.Decls {
				if d, ok := d.(*ast.GenDecl); ok {
					s.declaration(d)
				}
			}
		}
	}
	return s, nil
}

func (s *source) declaration(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := spec.Doc.Text()
			if doc == "" {
				doc = d.Doc.Text()
			}
			s.types[spec.Name.Name] = doc
			if t, ok := spec.Type.(*ast.StructType); ok {
				s.fields[spec.Name.Name] = s.structure(t)
			}
		case *ast.ValueSpec:
			s.constant(d, spec)
		}
	}
}

func (s *source) constant(d *ast.GenDecl, spec *ast.ValueSpec) {
	of, ok := spec.Type.(*ast.Ident)
	if d.Tok != token.CONST || !ok || !spec.Names[0].IsExported() || len(spec.Values) != 1 {
		return
	}
	if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
		text, err := strconv.Unquote(literal.Value)
		if err == nil {
			s.values[of.Name] = append(s.values[of.Name], value{spec.Names[0].Name, text,
				oneLine(spec.Doc.Text() + spec.Comment.Text())})
		}
	}
}

// structure reads the comments of the fields. One without a comment shares that of the field above it, if that names
// it.
func (s *source) structure(t *ast.StructType) map[string]string {
	docs, above := map[string]string{}, ""
	for _, field := range t.Fields.List {
		if field.Doc != nil {
			above = field.Doc.Text()
		}
		if field.Tag == nil {
			continue
		}
		text, _ := strconv.Unquote(field.Tag.Value)
		property, _, _ := strings.Cut(reflect.StructTag(text).Get("pulumi"), ",")
		for _, name := range field.Names {
			if field.Doc != nil || regexp.MustCompile(`\b`+name.Name+`\b`).MatchString(above) {
				docs[name.Name] = above
			}
			if strings.ToLower(property) != property { // one of two words, which can't be one of English
				s.names[name.Name] = property
			}
		}
	}
	return docs
}

var word = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// describe turns a comment of Go's into a description for every language: on one line a paragraph, and with properties
// called as the schema calls them. Names of one word are words of English too, and stay.
func (s *source) describe(comment string) string {
	return word.ReplaceAllStringFunc(oneLine(comment), func(w string) string {
		if property := s.names[w]; property != "" {
			return property
		}
		return w
	})
}

func oneLine(text string) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(paragraphs, "\n\n")
}
