package jailfile

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// values turns a value of a file into the values of a flag, in their order:
//
//	key = "a"                one
//	key = ["a", "b"]         one each, if the flag can be given several times
//	key = {a = "b"}          "a=b" for each, under the same condition
//	key = [{a = "b", c = 1}] "a=b,c=1" for each
func (f *Flag) values(v *unstable.Node) ([]string, error) {
	switch {
	case f.Bool:
		if v.Kind != unstable.Bool {
			return nil, errors.New("wants true or false")
		}
		return []string{string(v.Data)}, nil
	case v.Kind == unstable.Array:
		if !f.List {
			return nil, errors.New("takes one value and no list")
		}
		return list(v)
	case v.Kind == unstable.InlineTable:
		var all []string
		err := eachKey(v, func(name string, v *unstable.Node) error {
			pair, err := f.pair(name, v)
			all = append(all, pair...)
			return err
		})
		return all, err
	}
	text, err := scalar(v)
	return []string{text}, err
}

// pair makes NAME=VALUE of a key in a table.
func (f *Flag) pair(name string, v *unstable.Node) ([]string, error) {
	if !f.List {
		return nil, errors.New("takes one value and no table")
	}
	text, err := scalar(v)
	if err != nil {
		return nil, errors.New(name + ": " + err.Error())
	}
	return []string{name + "=" + text}, nil
}

// list reads the values of a list: texts, numbers, and tables of options.
func list(v *unstable.Node) (all []string, err error) {
	for it := v.Children(); it.Next(); {
		var text string
		if v := it.Node(); v.Kind == unstable.InlineTable {
			text, err = options(v)
		} else {
			text, err = scalar(v)
		}
		if err != nil {
			return nil, errors.New("value " + strconv.Itoa(len(all)+1) + ": " + err.Error())
		}
		all = append(all, text)
	}
	return all, nil
}

// options joins the options of a table.
func options(v *unstable.Node) (string, error) {
	var all []string
	err := eachKey(v, func(name string, v *unstable.Node) error {
		text, err := option(name, v)
		if text != "" {
			all = append(all, text)
		}
		return err
	})
	return strings.Join(all, ","), err
}

// eachKey goes through an inline table.
func eachKey(table *unstable.Node, visit func(name string, v *unstable.Node) error) error {
	seen := map[string]bool{}
	for it := table.Children(); it.Next(); {
		var parts []string
		for key := it.Node().Key(); key.Next(); {
			parts = append(parts, string(key.Node().Data))
		}
		name := strings.Join(parts, ".")
		if seen[name] {
			return errors.New(name + " stands twice")
		}
		seen[name] = true
		if err := visit(name, it.Node().Value()); err != nil {
			return err
		}
	}
	return nil
}

// option is NAME=VALUE. One that is true stands alone, and one that is false is
// left out.
func option(name string, v *unstable.Node) (string, error) {
	if v.Kind == unstable.Bool {
		if string(v.Data) == "true" {
			return name, nil
		}
		return "", nil
	}
	text, err := scalar(v)
	if err == nil && strings.Contains(text, ",") {
		err = errors.New("an option can't have a comma in it")
	}
	if err != nil {
		return "", errors.New(name + ": " + err.Error())
	}
	return name + "=" + text, nil
}

// scalar is a text or a number.
func scalar(v *unstable.Node) (string, error) {
	text := string(v.Data)
	switch v.Kind {
	case unstable.String:
		if text == "~" || strings.HasPrefix(text, "~/") {
			return "", errors.New("~ means something to a shell only; write ${HOME}")
		}
		return text, nil
	case unstable.Integer:
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return "", errors.New(text + " is no whole number below 2^63")
		}
		return strconv.FormatInt(n, 10), nil
	case unstable.Float:
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return "", errors.New(text + " is no number that can be used")
		}
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	}
	return "", errors.New("wants a text or a number")
}

// texts is a text or a list of them.
func texts(v *unstable.Node) (all []string, err error) {
	switch v.Kind {
	case unstable.String:
		return []string{string(v.Data)}, nil
	case unstable.Array:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.String {
				return nil, errors.New("value " + strconv.Itoa(len(all)+1) + " is no text")
			}
			all = append(all, string(it.Node().Data))
		}
		return all, nil
	}
	return nil, errors.New("wants a text or a list of texts")
}
