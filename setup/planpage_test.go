package setup

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const planPage = "../man/jail-plan.5"

// TestPlanPage holds the manual page of plans and the comments of the types
// together: with UPDATE=1 it writes the page's list of fields.
func TestPlanPage(t *testing.T) {
	data, err := os.ReadFile(planPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = ".Ss Fields\n.Bl -tag -width Ds\n", ".El\n.Sh EXAMPLES\n"
	head, rest, ok := bytes.Cut(data, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatal("the page has no list of fields")
	}
	list := new(strings.Builder)
	writeFields(t, list, docComments(t), reflect.TypeFor[Plan](), "")
	want := string(head) + begin + list.String() + end + string(tail)
	if want == string(data) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatal("the list of fields is not up to date (hint: UPDATE=1 go test ./setup -run TestPlanPage)")
	}
	if err := os.WriteFile(planPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// docComments returns the comment of each field, by "Type.Field". Fields that
// share one have it in common.
func docComments(t *testing.T) map[string]string {
	docs := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			last := ""
			for _, field := range s.Fields.List {
				text := field.Doc.Text()
				if text == "" && field.Comment == nil {
					text = last
				}
				last = text
				for _, id := range field.Names {
					docs[spec.Name.Name+"."+id.Name] = text + field.Comment.Text()
				}
			}
			return true
		})
	}
	return docs
}

// writeFields writes an item for each field of a type, with those below it.
func writeFields(t *testing.T, w *strings.Builder, docs map[string]string, typ reflect.Type, path string) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || name == "" {
			continue
		}
		elem, kind := field.Type, ""
		for elem.Kind() == reflect.Slice || elem.Kind() == reflect.Pointer {
			if elem.Kind() == reflect.Slice {
				kind += "list of "
			}
			elem = elem.Elem()
		}
		switch elem.Kind() {
		case reflect.Struct:
			kind += "object"
		case reflect.Bool:
			kind += "true or false"
		case reflect.String:
			kind += "text"
		default:
			kind += "number"
		}
		if strings.HasSuffix(kind, "list of list of number") || field.Type.String() == "[][]uint8" {
			kind = "list of text in base64"
		}
		fmt.Fprintf(w, ".It Ic %s%s No \\&( Ns %s Ns \\&)\n", path, name, kind)
		w.WriteString(prose(docs[typ.Name()+"."+field.Name]))
		if elem.Kind() == reflect.Struct {
			below := path + name + "."
			if strings.HasPrefix(kind, "list") {
				below = path + name + "[]."
			}
			writeFields(t, w, docs, elem, below)
		}
	}
}

var (
	goLink   = regexp.MustCompile(`\[([A-Za-z.]+)\]`)
	sentence = regexp.MustCompile(`([.;:]) +([A-Z])`)
)

// prose turns a comment into lines of mdoc.
func prose(text string) string {
	text = goLink.ReplaceAllString(text, "$1")
	text = strings.TrimSpace(strings.Join(strings.Fields(text), " "))
	if text == "" {
		return ""
	}
	var out strings.Builder
	for _, s := range strings.Split(sentence.ReplaceAllString(text, "$1\n$2"), "\n") {
		line := ""
		for _, word := range strings.Fields(strings.ReplaceAll(s, `\`, `\e`)) {
			if len(line)+len(word) > 76 {
				out.WriteString(line + "\n")
				line = ""
			}
			if line == "" && strings.ContainsAny(word[:1], ".'") {
				word = `\&` + word
			}
			line = strings.TrimSpace(line + " " + word)
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}
