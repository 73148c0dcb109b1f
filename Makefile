# Shortcuts; every one is a plain go command.
.PHONY: test bench demo ci

test:
	go test ./...

bench:
	go test -run '^$$' -bench . ./kernels

demo:
	go run ./cmd/jpqd demo

ci:
	bash .ci/run
