package check

import "github.com/jailspawn/jailspawn/setup"

func (c *checker) landlock(p *setup.Plan) {
	l := &p.Process.Landlock
	if l.Files && p.AllowUserns {
		c.add("process.landlock.files", "forbids all mounts, so user namespaces would be of little use", "leave out one of --landlock and --allow-userns")
	}
	if l.Try && !l.Asked() {
		c.add("process.landlock.try", "there is nothing to try", "")
	}
}
