package meaning

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/jailspawn/jailspawn/setup"
)

// told are the fields of a plan, by their names in JSON, that the sentences
// cover with all below them. What is not told here is told by name and value,
// so that no field is passed over.
func told() map[string]bool {
	return map[string]bool{
		"version": true, "name": true, "share": true, "ids": true, "hostname": true, "domainname": true, "allow_userns": true, "hooks": true,
		"root.source": true, "root.writable": true, "root.overlay": true, "root.upper": true,
		"mounts.type": true, "mounts.source": true, "mounts.target": true, "mounts.read_only": true, "mounts.noexec": true,
		"mounts.dev": true, "mounts.suid": true, "mounts.optional": true, "mounts.size": true, "mounts.content": true, "mounts.mode": true,
		"network.no_loopback": true, "network.join": true, "network.user": true, "network.publish": true, "network.nat": true, "network.filter": true, "network.sysctls": true, "network.confine": true,
		"network.interfaces.kind": true, "network.interfaces.parent": true, "network.interfaces.mode": true, "network.interfaces.name": true, "network.interfaces.addresses": true,
		"network.interfaces.gateways": true, "network.interfaces.routes": true, "mounts.follow": true, "mounts.uid": true, "mounts.gid": true,
		"resources.memory": true, "resources.memory_high": true, "resources.swap": true, "resources.millicpus": true, "resources.cpu_weight": true,
		"resources.pids": true, "resources.io_weight": true, "resources.timeout_ms": true, "resources.cpu_time_ms": true,
		"life.grace_ms": true, "process.terminal": true,
		"process.argv": true, "process.env": true, "process.cwd": true, "process.uid": true, "process.gid": true, "process.groups": true,
		"process.umask": true, "process.capabilities": true, "process.bounding": true, "process.securebits": true,
		"process.allow_setuid": true, "process.labels": true, "process.schedule": true, "process.rlimits": true, "process.seccomp": true, "process.landlock": true, "process.pass_fds": true,
	}
}

// topicOf files what is told by name under a topic.
func topicOf(field string) string {
	switch top, _, _ := strings.Cut(field, "."); top {
	case "mounts", "root":
		return Files
	case "network":
		return Network
	case "process":
		return Rights
	}
	return Resources
}

// rest tells what no sentence covers.
func (f *facts) rest(p *setup.Plan) { f.fields("", reflect.ValueOf(*p)) }

func (f *facts) fields(prefix string, v reflect.Value) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		field := v.Field(i)
		if name == "" || name == "-" || told()[prefix+name] || field.IsZero() {
			continue
		}
		f.field(prefix+name, field)
	}
}

func (f *facts) field(name string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		f.field(name, v.Elem())
	case v.Kind() == reflect.Struct:
		f.fields(name+".", v)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			f.fields(name+".", v.Index(i))
		}
	default:
		value, _ := json.Marshal(v.Interface())
		f.say(topicOf(name), "The plan also has %s.", name+" = "+string(value))
	}
}
