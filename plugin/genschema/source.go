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
	"unicode"
)

// source has what only the source code knows, by the name of the type.
type source struct {
	types  map[string]string            // doc comments
	fields map[string]map[string]string // doc comments by type and field
	values map[string][]value           // the constants of a type
	names  map[string]string            // Go's name of a property: the schema's name
	words  map[string]map[string]string // the same for names of one word, by the type that has the property
}

// A value is a constant that a property may have.
type value struct{ name, value, doc string }

// readSource reads the packages in the folders. No two of them declare a type of the same name that the schema has.
func readSource(folders ...string) (*source, error) {
	s := &source{map[string]string{}, map[string]map[string]string{}, map[string][]value{}, map[string]string{},
		map[string]map[string]string{}}
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
				s.fields[spec.Name.Name], s.words[spec.Name.Name] = s.structure(t)
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

// structure reads the comments of the fields. A field without a comment shares that of the field above it, if that
// comment names it.
func (s *source) structure(t *ast.StructType) (docs, words map[string]string) {
	docs, words = map[string]string{}, map[string]string{}
	above := ""
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
			if strings.ToLower(property) != property { // a name of two words, which is no English word
				s.names[name.Name] = property
			} else {
				words[name.Name] = property
			}
		}
	}
	return docs, words
}

var word = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// describe turns a Go comment into a description for every language: each paragraph on one line, with the schema's
// names of properties. A name of one word may also be an English word: it counts as a property of the described type if
// it is inside a sentence, and not part of a longer name.
func (s *source) describe(comment, of string) string {
	paragraphs := strings.Split(oneLine(comment), "\n\n")
	for i := range paragraphs {
		paragraphs[i] = s.properties(paragraphs[i], s.words[of])
	}
	comment = strings.Join(paragraphs, "\n\n")
	return word.ReplaceAllStringFunc(comment, func(w string) string {
		if property := s.names[w]; property != "" {
			return property
		}
		return w
	})
}

// properties replaces Go's names of properties in a paragraph by the schema's.
func (s *source) properties(paragraph string, called map[string]string) string {
	words := strings.Split(paragraph, " ")
	begins := func(i int) bool { return i == 0 || strings.HasSuffix(words[i-1], ".") }
	for i, w := range words {
		name := strings.TrimRight(w, ".,;:)")
		inNameOfMore := i > 0 && capital(words[i-1]) && !begins(i-1) ||
			len(name) == len(w) && i+1 < len(words) && capital(words[i+1])
		if property := called[name]; property != "" && !begins(i) && !inNameOfMore && strings.ToLower(name[1:]) == name[1:] {
			words[i] = property + w[len(name):]
		}
	}
	return strings.Join(words, " ")
}

func capital(word string) bool { return word != "" && unicode.IsUpper(rune(word[0])) }

func oneLine(text string) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(paragraphs, "\n\n")
}
