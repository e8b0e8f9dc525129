// Command protobuf prints how kinds are written in protobuf, as JSON: their types by name, and the fields of each type
// by number. The kinds are read from standard input, as a JSON list of [group, version, kind].
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// field is [name in JSON ("" where its fields are the parent's own), type, "list" or "map" or "", 1 where JSON leaves out
// a zero].
type field [4]any

type table struct {
	Kinds map[string]string           `json:"kinds"`
	Types map[string]map[string]field `json:"types"`
}

var found = table{map[string]string{}, map[string]map[string]field{}}

func main() {
	var kinds [][3]string
	if err := json.NewDecoder(os.Stdin).Decode(&kinds); err != nil {
		fail(err)
	}
	for _, kind := range kinds {
		gvk := schema.GroupVersionKind{Group: kind[0], Version: kind[1], Kind: kind[2]}
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			fail(err)
		}
		apiVersion, _ := gvk.ToAPIVersionAndKind()
		found.Kinds[apiVersion+" "+gvk.Kind] = describe(reflect.TypeOf(object).Elem())
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// describe notes the fields of a struct, and of the structs in it. It answers the struct's name.
func describe(t reflect.Type) string {
	name := strings.TrimPrefix(t.PkgPath(), "k8s.io/") + "." + t.Name()
	if _, known := found.Types[name]; known {
		return name
	}
	found.Types[name] = map[string]field{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			continue
		}
		words := strings.Split(f.Tag.Get("json"), ",")
		inline, omitted := words[0] == "", false
		for _, word := range words[1:] {
			inline = inline || word == "inline"
			omitted = omitted || word == "omitzero" || word == "omitempty" && f.Type.Kind() != reflect.Struct
		}
		if inline {
			words[0] = ""
		}
		element, many := f.Type, ""
		switch {
		case element.Kind() == reflect.Map:
			element, many = element.Elem(), "map"
		case element.Kind() == reflect.Slice && element.Elem().Kind() != reflect.Uint8 && element.Name() == "":
			element, many = element.Elem(), "list"
		}
		zero := 0
		if omitted && f.Type.Kind() != reflect.Pointer {
			zero = 1
		}
		found.Types[name][tag[1]] = field{words[0], named(element), many, zero}
	}
	return name
}

func named(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		return describe(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "items" // a named list, such as metav1.Verbs: a message of its own
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64, reflect.Int, reflect.Uint32, reflect.Uint64, reflect.Uint8:
		return "integer"
	case reflect.String:
		return "string"
	}
	panic(t.String())
}
