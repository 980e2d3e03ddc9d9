// Package rawfile reads files without the poller of the Go runtime, which
// os.ReadFile sets up for its first file: half a millisecond of a start.
package rawfile

import "golang.org/x/sys/unix"

// Read returns the content of a file that fits in memory. A symbolic link is
// followed. The error is an errno of open(2) or read(2), with no path.
func Read(name string) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var data []byte
	var buf [2048]byte
	for {
		n, err := unix.Read(fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return data, err
		}
		data = append(data, buf[:n]...)
	}
}
