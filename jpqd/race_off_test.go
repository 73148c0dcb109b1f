//go:build !race

package jpqd

// raceDetector is set under -race, where sync.Pool drops values at random and
// so allocates.
const raceDetector = false
