abi <abi/3.0>,
# A profile for tests: all is allowed but one thing.
profile jailspawn-test flags=(attach_disconnected,mediate_deleted) {
  capability,
  network,
  mount,
  remount,
  umount,
  pivot_root,
  ptrace,
  signal,
  unix,
  dbus,
  change_profile,
  file,
  deny /tmp/denied* w,
}
