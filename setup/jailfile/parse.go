package jailfile

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/kballard/go-shellquote"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A part is one file, read but with its variables as they stand.
type part struct {
	name     string // as errors call it
	dir      string // where it lies; empty for a preset
	extends  []string
	include  []string
	vars     []Setting // Flag is the variable's name
	command  []string
	depends  []string
	settings []Setting

	places map[string]Position // of the keys above all sections
}

// MaxFile bounds the size of a jail file in bytes.
const MaxFile = 1 << 20

// top are the keys that stand above all sections.
var top = []string{"extends", "include", "command", "depends"}

// varsSection is the section of the variables.
const varsSection = "vars"

// parse reads one file. All its mistakes are reported, but for those of the
// syntax, of which the first hides the rest.
func parse(name string, data []byte, schema Schema) (*part, error) {
	d := &document{
		part:   &part{name: name, places: map[string]Position{}},
		schema: schema,
		seen:   map[string]bool{},
	}
	if len(data) > MaxFile {
		return nil, problem(Position{File: name}, "", "larger than the limit of "+strconv.Itoa(MaxFile)+" bytes", "")
	}
	d.parser.Reset(data)
	for d.parser.NextExpression() {
		switch e := d.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			d.header(e)
		case unstable.KeyValue:
			key, at := d.key(e)
			d.assign(append(slices.Clone(d.context), key...), e.Value(), at)
		}
	}
	if err := d.parser.Error(); err != nil {
		return nil, d.syntaxError(err)
	}
	d.closeElement()
	return d.part, d.found.ErrorOrNil()
}

// A document walks through the keys of a file in their order. The parser gives
// each with its place, which is why it is used rather than the decoder above it.
type document struct {
	part    *part
	schema  Schema
	parser  unstable.Parser
	context []string // the table that the last header opened
	seen    map[string]bool
	element *element // the element of a list of tables that is open
	found   *multierror.Error
}

// An element is a table in a list of tables: [[files.mount]].
type element struct {
	key     []string
	at      Position
	options []string
	seen    map[string]bool
}

func (d *document) syntaxError(err error) error {
	at := Position{File: d.part.name, Line: 1, Column: 1}
	var e *unstable.ParserError
	if errors.As(err, &e) {
		at = d.position(d.parser.Range(e.Highlight))
	}
	return problem(at, "", strings.Join(strings.Fields(err.Error()), " "), "")
}

func (d *document) position(r unstable.Range) Position {
	before := d.parser.Data()[:r.Offset]
	return Position{
		File:   d.part.name,
		Line:   bytes.Count(before, []byte{'\n'}) + 1,
		Column: len(before) - bytes.LastIndexByte(before, '\n'),
	}
}

// key returns the parts of a dotted key, and where it begins.
func (d *document) key(e *unstable.Node) (key []string, at Position) {
	for it := e.Key(); it.Next(); {
		if key == nil {
			at = d.position(it.Node().Raw)
		}
		key = append(key, string(it.Node().Data))
	}
	return key, at
}

// header opens a section, a table below one, or an element of a list of tables.
func (d *document) header(e *unstable.Node) {
	d.closeElement()
	key, at := d.key(e)
	d.context = key
	id := strings.Join(key, ".")
	list := e.Kind == unstable.ArrayTable
	if !list && d.seen["["+id] {
		d.fail(at, id, "stands twice", "put the keys under one heading")
	}
	d.seen["["+id] = true
	switch {
	case len(key) > 2:
		d.fail(at, id, "has too many parts", "")
		d.element = new(element) // swallows what follows
	case !d.known(key, at):
		d.element = new(element)
	case list && len(key) == 1:
		// [[network]]: the section once more, with keys for another interface.
		for seen := range d.seen {
			if strings.HasPrefix(seen, id+".") {
				delete(d.seen, seen)
			}
		}
	case list:
		d.element = &element{key: key, at: at, seen: map[string]bool{}}
	}
}

// known tells of a key that the schema does not have.
func (d *document) known(key []string, at Position) bool {
	section := key[0]
	_, ok := d.schema[section]
	switch {
	case !ok && section != varsSection:
		d.fail(at, section, "unknown section or key", d.sectionHint(section))
		return false
	case len(key) == 1 || section == varsSection && len(key) == 2:
		return true
	case section == varsSection || d.flag(key) == nil:
		d.fail(at, key[0]+"."+key[1], "unknown key", d.keyHint(section, key[1]))
		return false
	case len(key) > 3:
		d.fail(at, strings.Join(key, "."), "has too many parts", "")
		return false
	}
	return true
}

// flag returns the flag that a key sets, or nil.
func (d *document) flag(key []string) *Flag {
	flags := d.schema[key[0]]
	for i := range flags {
		if len(key) > 1 && flags[i].Name == key[1] {
			return &flags[i]
		}
	}
	return nil
}

// assign reads one key with its value.
func (d *document) assign(key []string, value *unstable.Node, at Position) {
	if d.element != nil {
		d.addOption(key, value, at)
		return
	}
	id := strings.Join(key, ".")
	if d.seen[id] {
		d.fail(at, id, "stands twice", "say it once")
		return
	}
	d.seen[id] = true
	if len(key) == 1 && slices.Contains(top, key[0]) {
		d.topKey(key[0], value, at)
		return
	}
	if !d.known(key, at) {
		return
	}
	switch {
	case len(key) == 1:
		d.inlineSection(key, value, at)
	case key[0] == varsSection:
		text, err := scalar(value)
		if err != nil {
			d.fail(at, id, err.Error(), "")
		}
		d.part.vars = append(d.part.vars, Setting{Flag: key[1], Value: text, Key: id, At: at})
	default:
		f := d.flag(key)
		var values []string
		var err error
		if len(key) == 3 {
			values, err = f.pair(key[2], value)
		} else {
			values, err = f.values(value)
		}
		d.add(f, key, at, values, err)
	}
}

// inlineSection reads section = {key = value}.
func (d *document) inlineSection(key []string, value *unstable.Node, at Position) {
	if value.Kind != unstable.InlineTable {
		d.fail(at, key[0], "is a section", "write ["+key[0]+"] on a line of its own")
		return
	}
	for it := value.Children(); it.Next(); {
		inner, at := d.key(it.Node())
		d.assign(append(slices.Clone(key), inner...), it.Node().Value(), at)
	}
}

func (d *document) add(f *Flag, key []string, at Position, values []string, err error) {
	id := key[0] + "." + key[1]
	if err != nil {
		d.fail(at, id, err.Error(), "")
		return
	}
	for _, v := range values {
		d.part.settings = append(d.part.settings, Setting{Flag: f.Name, Value: v, Key: id, At: at})
	}
}

// addOption reads a key of an open element.
func (d *document) addOption(key []string, value *unstable.Node, at Position) {
	e := d.element
	if e.key == nil {
		return
	}
	name := strings.Join(key[len(e.key):], ".")
	if e.seen[name] {
		d.fail(at, name, "stands twice", "say it once")
		return
	}
	e.seen[name] = true
	text, err := option(name, value)
	if err != nil {
		d.fail(at, strings.Join(key, "."), err.Error(), "")
	}
	if text != "" {
		e.options = append(e.options, text)
	}
}

func (d *document) closeElement() {
	e := d.element
	if d.element = nil; e == nil || e.key == nil {
		return
	}
	f, err := d.flag(e.key), error(nil)
	if !f.List {
		err = errors.New("takes one value and no list")
	}
	d.add(f, e.key, e.at, []string{strings.Join(e.options, ",")}, err)
}

// topKey reads a key that stands above all sections.
func (d *document) topKey(name string, value *unstable.Node, at Position) {
	d.part.places[name] = at
	words, err := texts(value)
	if err != nil {
		d.fail(at, name, err.Error(), "")
		return
	}
	switch name {
	case "extends":
		d.part.extends = words
	case "include":
		d.part.include = words
	case "depends":
		d.part.depends = words
	case "command":
		if value.Kind == unstable.String {
			if words, err = shellquote.Split(words[0]); err != nil {
				d.fail(at, name, strings.ToLower(err.Error()), "close the quotes, or write a list of words")
				return
			}
		}
		if len(words) == 0 {
			d.fail(at, name, "is empty", "leave it out, or name a command")
		}
		d.part.command = words
	}
}

func (d *document) fail(at Position, key, detail, hint string) {
	d.found = multierror.Append(d.found, problem(at, key, detail, hint))
}
