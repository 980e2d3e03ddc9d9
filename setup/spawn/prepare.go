package spawn

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/jailspawn/jailspawn/setup"
	"github.com/jailspawn/jailspawn/setup/mountfd"
	"github.com/jailspawn/jailspawn/setup/spawn/keep"
)

// sendPlan gives jailinit what it can't take by itself, and then its plan. From
// then on the payload may run, and signals be meant for it.
func (j *Jail) sendPlan(p *setup.Plan, o *Options) error {
	data, err := setup.Encode(p)
	if err == nil {
		err = j.equip(p)
	}
	if err == nil && o.Catch != nil {
		j.signals, err = o.Catch()
	}
	if err == nil {
		err = writeAll(j.plan, data)
	}
	unix.Close(j.plan)
	return err
}

// giveUp tells jailinit, if the jail could not be handed over, that nothing
// more will come; it then ends. Where jailinit is gone already, its last event
// tells why.
func (j *Jail) giveUp() {
	switch j.handing {
	case nil:
	case unix.EPIPE, unix.ECONNRESET:
		j.handing = nil
	default:
		_ = unix.Sendto(j.control, []byte{byte(setup.ControlFailed)}, unix.MSG_NOSIGNAL, nil)
		j.handing = setup.Fail("plan", "", j.handing)
	}
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// sendMounts prepares the binds of the plan one by one and sends them in
// batches, while jailinit starts.
func (j *Jail) sendMounts(p *setup.Plan, c *caller) error {
	maps := mountMaps{jail: j, plan: p, caller: c, jailNS: -1}
	defer maps.close()
	batch := []byte{byte(setup.ControlMounts)}
	var fds []int
	flush := func() error {
		defer closeAll(fds)
		err := unix.Sendmsg(j.control, batch, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		batch, fds = batch[:1], nil
		return err
	}
	for _, m := range prepared(p) {
		fd, err := maps.prepare(m)
		switch {
		case err == unix.ENOENT && m.Optional:
			batch = append(batch, 0)
		case err != nil:
			closeAll(fds)
			return sourceError(m, err)
		default:
			batch, fds = append(batch, 1), append(fds, fd)
		}
		if len(batch) > setup.MaxControlFDs {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(batch) > 1 {
		return flush()
	}
	return nil
}

// holdPlaces puts something into the places that the plan keeps, and tells
// jailinit, which makes its other mounts meanwhile.
func (j *Jail) holdPlaces(p *setup.Plan) (err error) {
	if !p.Keeps() {
		return nil
	}
	if j.held, err = keep.Hold(p); err != nil {
		return err
	}
	return unix.Sendto(j.control, []byte{byte(setup.ControlKept)}, unix.MSG_NOSIGNAL, nil)
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// prepared returns the plan's prepared binds in the order in which jailinit
// takes them: the root first, with the directory for its writes.
func prepared(p *setup.Plan) []*setup.Mount {
	var out []*setup.Mount
	if r := &p.Root; r.Prepared {
		out = append(out, r.Bind())
		if r.Upper != "" {
			dir, _, _ := r.UpperDir()
			out = append(out, &setup.Mount{Type: setup.Bind, Source: dir, Target: "/", NonRecursive: true})
		}
	}
	for i := range p.Mounts {
		if p.Mounts[i].Prepared {
			out = append(out, &p.Mounts[i])
		}
	}
	return out
}

// mountMaps finds the user namespaces by which mounts are id-mapped.
type mountMaps struct {
	jail   *Jail
	plan   *setup.Plan
	caller *caller
	jailNS int
}

func (s *mountMaps) close() { closeFD(s.jailNS) }

// prepare makes the detached mount of one bind.
func (s *mountMaps) prepare(m *setup.Mount) (int, error) {
	fd, err := source(m)
	if err != nil {
		return -1, err
	}
	ns, owned, err := s.namespace(m, fd)
	if err == nil && ns >= 0 {
		err = mountfd.Set(fd, mountfd.Attr{Set: unix.MOUNT_ATTR_IDMAP, UserNS: ns, Recursive: true})
		switch {
		case err == unix.EINVAL && m.ReadOnly && m.IDMap == setup.IDMapAuto:
			err = nil // the root of a file system without id-mapped mounts: owners show as nobody
		case err == unix.EINVAL:
			hint := "its file system, or one mounted below it, can't be id-mapped; "
			if m.Target == "/" {
				hint += "choose another place, or --map identity"
			} else {
				hint += "use --mount type=bind,...,idmap=none"
			}
			err = &setup.Error{Step: "mount", Target: m.Target, Detail: "id-map " + m.Source, Errno: unix.EINVAL, Hint: hint}
		}
	}
	if owned {
		unix.Close(ns)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// namespace returns the user namespace to map the mount by, or -1 for none;
// owned says that the caller closes it.
func (s *mountMaps) namespace(m *setup.Mount, fd int) (ns int, owned bool, err error) {
	if s.plan.Shares(setup.UserNS) {
		return -1, false, nil
	}
	how := m.IDMap
	auto := how == setup.IDMapAuto
	if auto && (s.plan.IDs.Map == setup.MapIdentity || m.Dev || m.Type == setup.Device || (m.ReadOnly && m.Target != "/")) {
		return -1, false, nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return -1, false, err
	}
	if auto {
		how = setup.IDMapOwner
		if st.Uid == s.caller.uid {
			how = setup.IDMapJail
		}
	}
	switch how {
	case setup.IDMapJail:
		if s.jailNS < 0 {
			s.jailNS, err = openNS(s.jail.pid)
		}
		return s.jailNS, false, err
	case setup.IDMapOwner:
		ns, err = ownerNS(st.Uid, st.Gid, s.plan)
		return ns, true, err
	}
	return -1, false, nil
}

func openNS(pid int) (int, error) {
	return unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

func sourceError(m *setup.Mount, err error) error {
	if m.Target == "/" {
		e := setup.Fail("root", m.Source, err).(*setup.Error)
		e.Step, e.Target = "root", m.Source
		return e
	}
	e := setup.Fail("mount", m.Target, err).(*setup.Error)
	if e.Detail == "" {
		e.Detail = "bind " + m.Source
	}
	if e.Errno == unix.ENOENT {
		e.Hint = "the source doesn't exist on the host"
	}
	return e
}
