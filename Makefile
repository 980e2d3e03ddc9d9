GO      ?= go
PREFIX  ?= /usr/local
VERSION ?= 0.1.0
SOURCES := $(shell find cmd setup mounts netup reap -name '*.[gs]*' -o -path "*/help/*.txt" -o -name "*.toml") go.mod go.sum
BUILD   := $(VERSION)-$(shell cat $(SOURCES) | sha256sum | cut -c1-12)
COMPLETIONS := bash-completion/completions/jailspawn fish/vendor_completions.d/jailspawn.fish zsh/site-functions/_jailspawn
LDFLAGS := -s -w -X github.com/jailspawn/jailspawn/setup.Build=$(BUILD)

export CGO_ENABLED = 0

.PHONY: all test test-kernels compare soak check fmt bench bench-net install clean demo help
all: bin/jailspawn bin/jailinit ## build both binaries into bin/

# On these jailspawn does some things before its Go runtime, or without it.
ENTRY_amd64 := -E main.entry -X main.watcher=yes
bin/jailspawn: LDFLAGS += $(ENTRY_$(shell $(GO) env GOARCH))

bin/%: $(SOURCES)
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/$*

test-kernels: all ## run them on Debian's kernels, emulated (as root)
	tests/kernels/run

test: all ## run all tests, with the rights of the caller
	JAIL_BIN=$(CURDIR)/bin $(GO) test -count=1 -timeout 40m -ldflags '$(LDFLAGS)' ./...

compare: all ## how other inits do by our rules (needs tini, dumb-init, catatonit)
	JAIL_BIN=$(CURDIR)/bin $(GO) test -v -count=1 -tags compare -run TestProcess1OfOthers -ldflags '$(LDFLAGS)' ./tests

soak: all ## ten thousand jails in a row, three hundred at once (20 minutes)
	JAIL_BIN=$(CURDIR)/bin JAIL_TEST_LONG=1 $(GO) test -v -count=1 -timeout 90m -run 'TestShortJails|TestManyJails|TestNamespacesAreFreed|TestExplainIsTrue' -ldflags '$(LDFLAGS)' ./tests

check: all ## formatting, vet, staticcheck, shellcheck, mandoc
	test -z "$$($(GO) tool gofumpt -l .)"
	$(GO) vet ./...
	$(GO) vet -tags compare ./tests
	$(GO) tool staticcheck ./...
	if command -v shellcheck >/dev/null; then bin/jailspawn completion bash | shellcheck -s bash .ci/run rootfs-examples/*/build -; shellcheck tests/kernels/run tests/kernels/*-stage tests/throughput; fi
	if command -v mandoc >/dev/null; then mandoc -T lint -W warning man/*; fi

fmt: ## format the sources
	$(GO) tool gofumpt -w .

bench: all ## time a start beside bubblewrap (needs hyperfine, bubblewrap)
	hyperfine -N -w 20 -r 200 'bin/jailspawn run -- /bin/true' 'bwrap --unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp /bin/true' /bin/true

bench-net: all ## compare a jail's veth with one made by hand (needs iperf3)
	tests/throughput

demo: all ## build, and show a jail from inside
	bin/jailspawn run -- sh -c 'ps ax; id; hostname; cut -d" " -f5,6 /proc/self/mountinfo; cat /proc/net/dev; touch /usr/x || echo "refused, as it should be"'

install: all ## install into $(DESTDIR)$(PREFIX)
	install -D -m 755 bin/jailspawn $(DESTDIR)$(PREFIX)/bin/jailspawn
	install -D -m 755 bin/jailinit $(DESTDIR)$(PREFIX)/libexec/jailspawn/jailinit
	set -e; for page in man/*; do install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,$(dir $(COMPLETIONS)))
	set -e; $(foreach file,$(COMPLETIONS),bin/jailspawn completion $(word 1,$(subst -, ,$(subst /, ,$(file)))) >$(DESTDIR)$(PREFIX)/share/$(file); )
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,/usr/local,$(PREFIX),' packaging/jailspawn@.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/jailspawn@.service

clean: ## remove what was built
	rm -rf bin

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile
